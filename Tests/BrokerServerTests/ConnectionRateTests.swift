import Controller
import Primitives
import Testing
import Wire

@testable import BrokerServer

/// New connections in a second from one address (KIP-612).
@Suite struct ConnectionRateTests {
    private func quotas(_ ip: String?, _ rate: Double) -> QuotaTable {
        var record = ClientQuotaRecord()
        var entity = ClientQuotaRecord.Entity()
        (entity.entityType, entity.entityName) = ("ip", ip)
        (record.entity, record.key, record.value) = ([entity], "connection_creation_rate", rate)
        var image = ClusterImage(clusterID: "c")
        var delta = ClusterImageDelta()
        image.apply(.clientQuota(record), at: 0, into: &delta)
        return image.quotas
    }

    private func at(_ milliseconds: Int64) -> Instant { Instant.zero.adding(milliseconds: milliseconds) }

    @Test func anAddressAboveItsRateIsHeldBack() {
        let quota = AddressRates()
        #expect(quota.excess("10.0.0.1", now: at(0)) == 0, "no quota, no limit")
        quota.set(quotas("10.0.0.1", 2))
        #expect([0, 1, 2].map { quota.excess("10.0.0.1", now: at($0)) > 0 } == [false, false, true])
        #expect(quota.excess("10.0.0.1", now: at(3)) > 400, "half a second for each")
        #expect(quota.excess("10.0.0.2", now: at(4)) == 0, "others are not held back")
        #expect(quota.excess("10.0.0.1", now: at(1200)) == 0)
        quota.set(quotas(nil, 1))
        #expect(quota.excess("10.0.0.9", now: at(2000)) == 0)
        #expect(quota.excess("10.0.0.9", now: at(2001)) > 900, "the default holds for each address by itself")
        #expect(quota.excess("10.0.0.8", now: at(2002)) == 0)
        quota.set(QuotaTable())
        #expect(quota.excess("10.0.0.9", now: at(2003)) == 0)
    }
}
