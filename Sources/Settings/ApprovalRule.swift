/// That changes of a context are made only as plans which others have signed.
package struct ApprovalRule: Equatable, Sendable {
    /// OpenSSH's file of allowed signers, as it was written.
    package var signers: String
    /// How many have to agree besides who made the plan.
    package var count = 1
    /// Who makes plans here, by the name that the file has; nil: the user's name.
    package var maker: String?
    package var origin: SettingOrigin

    package init(signers: String, origin: SettingOrigin) { (self.signers, self.origin) = (signers, origin) }

    /// "2 others have to sign".
    package var wish: String { count == 1 ? "somebody else has to sign it" : "\(count) others have to sign it" }
}
