import Primitives
import Testing

@testable import Wire

/// Rules of single messages that neither round trips nor recordings would show.
@Suite struct MessageRuleTests {
    @Test func anUnsupportedApiVersionsRequestIsAnsweredInVersionZero() throws {
        let request = encodeRequest(
            ApiVersionsRequest(), RequestHeader(apiKey: 18, apiVersion: 4, correlationID: 5, clientID: "c")
        ).content
        // The same frame at a version to come: its header is still flexible, its body is not looked at.
        request.patch(2, 99 as Int16)
        let (header, _) = try RequestHeader.decode(request)
        #expect(header == RequestHeader(apiKey: 18, apiVersion: 99, correlationID: 5, clientID: "c"))
        #expect(header.key == .apiVersions && !header.isValid)

        var response = ApiVersionsResponse()
        var key = ApiVersionsResponse.Key()
        key.apiKey = 18
        key.maxVersion = 4
        response.apiKeys = [key]
        let frame = encodeUnsupportedAPIVersions(response, correlationID: 5)
        #expect(frame.content.hex == "00000005" + "0023" + "00000001" + "0012" + "0000" + "0004")

        let (id, answer) = try decodeResponse(frame.content, to: ApiVersionsRequest.self, version: 4)
        #expect(id == 5 && answer.errorCode == .unsupportedVersion && answer.apiKeys == [key])
    }

    @Test func unknownTagsAreSkippedAndOrderDoesNotMatter() throws {
        // ApiVersions v3: no error, no keys, no throttle; tags 7 (unknown), 2 (no features), 1 (epoch 9), 100 (unknown).
        let tags: [UInt8] = [4, 7, 3, 1, 2, 3, 2, 1, 1, 1, 8, 0, 0, 0, 0, 0, 0, 0, 9, 100, 0]
        let response = try ApiVersionsResponse.decode(Bytes([0, 0, 1, 0, 0, 0, 0] + tags), version: 3)
        #expect(response.finalizedFeaturesEpoch == 9 && response.finalizedFeatures == [] && !response.zkMigrationReady)
        // A value may not reach beyond the size of its field.
        let short = Bytes([0, 0, 1, 0, 0, 0, 0, 1, 1, 4, 0, 0, 0, 0, 0, 0, 0, 9])
        #expect(throws: WireError.truncated) { try ApiVersionsResponse.decode(short, version: 3) }
    }

    @Test func taggedValuesOf128BytesAndMoreKeepTheirPlace() throws {
        var response = ApiVersionsResponse()
        response.supportedFeatures = (0..<40).map { index in
            var feature = ApiVersionsResponse.SupportedFeature()
            feature.name = "feature.number.\(index)"
            return feature
        }
        response.zkMigrationReady = true
        #expect(try ApiVersionsResponse.decode(response.encode(version: 3), version: 3) == response)
    }

    @Test func metadataAsksForAllTopicsByNullOrInVersionZeroByNone() throws {
        #expect(try MetadataRequest.decode(Bytes([0, 0, 0, 0]), version: 0).topics == nil)
        #expect(try MetadataRequest.decode(Bytes([0, 0, 0, 0]), version: 1).topics == [])
        #expect(try MetadataRequest.decode(Bytes([0xff, 0xff, 0xff, 0xff]), version: 1).topics == nil)
        #expect(MetadataRequest().encode(version: 0).hex == "00000000")
        #expect(MetadataRequest().encode(version: 1).hex == "ffffffff")
    }

    @Test func aMissingProtocolNameIsEmptyBeforeItMayBeNull() throws {
        var response = JoinGroupResponse()
        response.errorCode = .memberIDRequired
        #expect(try JoinGroupResponse.decode(response.encode(version: 6), version: 6).protocolName == "")
        #expect(try JoinGroupResponse.decode(response.encode(version: 7), version: 7).protocolName == nil)
    }

    /// Pieces of payloads that are large enough are not copied into the frame, and go over the socket at their place all the same.
    @Test(arguments: [8, 9] as [Int16]) func largePiecesAreShared(version: Int16) {
        func bytes(_ count: Int) -> Bytes { Bytes((0..<count).map { UInt8(truncatingIfNeeded: $0) }) }
        var request = ProduceRequest()
        request.topics = ["a", "b"].map { (name: String) -> ProduceRequest.Topic in
            var topic = ProduceRequest.Topic()
            topic.name = name
            let payloads: [Payload] = [.joined(bytes(61), bytes(500)), .bytes(bytes(99)), .joined(bytes(100), bytes(7)), .null]
            topic.partitions = payloads.map { (payload: Payload) -> ProduceRequest.Partition in
                var partition = ProduceRequest.Partition()
                partition.records = payload
                return partition
            }
            return topic
        }
        let copied = encodeRequest(request, version: version, correlationID: 1, clientID: "c")
        let shared = encodeRequest(request, version: version, correlationID: 1, clientID: "c", sharedBytesMin: 100)
        #expect(copied.pieces == [copied.bytes] && shared.pieces.count == 9 && shared.shared.map(\.count) == [500, 100, 500, 100])
        #expect(shared.whole == copied.bytes && shared.length == copied.length)
    }

    @Test func externalPayloadsLeaveSplicesAndCountInTheSize() throws {
        var response = FetchResponse()
        response.topics = [FetchResponse.Topic()]
        for length in [1000, 0, 500] {
            var partition = FetchResponse.Partition()
            partition.records = .external(length: length)
            response.topics[0].partitions.append(partition)
        }
        for version: Int16 in [11, 12, 16] {
            let frame = encodeResponse(response, apiKey: .fetch, version: version, correlationID: 1)
            #expect(frame.splices.map(\.length) == [1000, 500])
            #expect(frame.length == frame.bytes.count + 1500)
            #expect(frame.bytes.load(0, as: Int32.self) == Int32(frame.length - 4))
            // What the peer sees once the file's bytes are in their places.
            var whole = frame.bytes.array
            for splice in frame.splices.reversed() {
                whole.insert(contentsOf: Array(repeating: 7, count: splice.length), at: splice.offset)
            }
            let (_, seen) = try decodeResponse(Bytes(whole).dropFirst(4), to: FetchRequest.self, version: version)
            #expect(seen.topics[0].partitions.map(\.records.count) == [1000, 0, 500])
            #expect(seen.topics[0].partitions[2].records.inMemory == Bytes(Array(repeating: 7, count: 500)))
        }
    }

    @Test func payloadsAreSlicesOfTheirFrame() throws {
        var request = ProduceRequest()
        request.topics = [ProduceRequest.Topic()]
        var partition = ProduceRequest.Partition()
        partition.records = .bytes(Bytes("payload"))
        request.topics[0].partitions = [partition]
        let body = request.encode(version: 9)
        let records = try #require(try ProduceRequest.decode(body, version: 9).topics[0].partitions[0].records.inMemory)
        #expect(records.storage === body.storage && records.string == "payload")
    }

    @Test func stringsTooLongForTheWireAreCutBetweenCharacters() throws {
        var response = FindCoordinatorResponse()
        response.errorMessage = "a" + String(repeating: "é", count: 20_000)
        let seen = try FindCoordinatorResponse.decode(response.encode(version: 2), version: 2).errorMessage
        #expect(seen == "a" + String(repeating: "é", count: 16_383))
    }

    @Test func headersHaveTheFormOfTheirVersion() throws {
        let classic = encodeRequest(HeartbeatRequest(), version: 3, correlationID: 1, clientID: nil).content
        #expect(classic.prefix(10).hex == "000c" + "0003" + "00000001" + "ffff")
        let flexible = encodeRequest(HeartbeatRequest(), version: 4, correlationID: 1, clientID: "x").content
        #expect(flexible.prefix(12).hex == "000c" + "0004" + "00000001" + "000178" + "00")
        #expect(encodeResponse(HeartbeatResponse(), version: 3, correlationID: 1).content.count == 10)
        #expect(encodeResponse(HeartbeatResponse(), version: 4, correlationID: 1).content.count == 12)
    }

    @Test func advertisedVersionsAreDescribed() {
        for key in APIKey.allCases {
            guard let advertised = key.advertisedVersions else { continue }
            #expect(key.validVersions.contains(advertised.upperBound), "\(key)")
            #expect(key == .produce || key.validVersions.contains(advertised.lowerBound), "\(key)")
        }
        #expect(APIKey.produce.advertisedVersions == 0...13 && APIKey.fetch.advertisedVersions == 4...18)
        let between: [APIKey] = [
            .vote, .beginQuorumEpoch, .endQuorumEpoch, .alterPartition, .envelope, .fetchSnapshot, .brokerRegistration, .brokerHeartbeat,
            .allocateProducerIDs,
        ]
        #expect(between.allSatisfy { $0.advertisedVersions == nil && $0.controllerVersions == $0.validVersions })
        #expect(APIKey.produce.controllerVersions == nil && APIKey.createTopics.controllerVersions == 2...7)
        #expect(APIKey.name(of: 78) == "ShareFetch" && APIKey.name(of: 999) == "Api999")
    }

    @Test func errorCodesKnowTheirNames() {
        #expect(ErrorCode.allKnown.count == 135 && ErrorCode.allKnown.allSatisfy { !$0.name.hasPrefix("UNKNOWN_ERROR") })
        #expect(ErrorCode.unknownTopicOrPartition.name == "UNKNOWN_TOPIC_OR_PARTITION" && ErrorCode.memberIDRequired.rawValue == 79)
        #expect(ErrorCode.shareSessionLimitReached.rawValue == 133 && ErrorCode(rawValue: 999).name == "UNKNOWN_ERROR_CODE_999")
        let retriable = ErrorCode.allKnown.filter { $0.isRetriable && !$0.isInvalidMetadata }.map(\.rawValue)
        #expect(retriable == [2, 7, 14, 15, 16, 19, 20, 41, 51, 70, 71, 75, 78, 88, 89, 106, 122, 123, 133])
        #expect(ErrorCode.allKnown.filter(\.isInvalidMetadata).map(\.rawValue) == [3, 5, 6, 9, 13, 56, 72, 74, 80, 83, 84, 100, 103])
    }

    @Test func framesAreShownInWords() throws {
        let frame = encodeRequest(HeartbeatRequest(), version: 3, correlationID: 7, clientID: "a\u{1b}b").content
        let text = "Heartbeat v3 id=7 client=\"a\\u001bb\" {\"groupId\":\"\",\"generationId\":0,\"memberId\":\"\",\"groupInstanceId\":null}"
        #expect(Inspector.request(frame) == text)
        #expect(Inspector.request(Bytes([1])) == "unreadable request of 1 bytes")
        let answer = encodeResponse(HeartbeatResponse(), version: 4, correlationID: 7).content
        #expect(Inspector.response(answer, to: .heartbeat, version: 4) == "Heartbeat v4 id=7 {\"throttleTimeMs\":0,\"errorCode\":0}")
    }
}
