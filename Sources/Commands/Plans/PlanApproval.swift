import Glibc
import Observatory
import Primitives
import Reactor
import Settings

/// Signatures of plan files, made and looked at by OpenSSH's `ssh-keygen -Y`: keys that people have anyway, hardware keys and agents
/// among them, and a file of allowed signers that others than the operator may keep.
///
/// A plan is approved where its maker has signed it, and as many others as the context wants. The maker's own signature is what proves
/// who that is: without it somebody could make a plan in another's name, and agree to it.
enum PlanApproval {
    /// So that no signature made for something else counts here.
    static let namespace = "kastellan-plan"
    /// More are not looked at.
    static let signaturesMax = 100

    /// Who makes plans, where the context does not say.
    static var user: String {
        if let entry = getpwuid(getuid()), let name = entry.pointee.pw_name { return String(cString: name) }
        return String(getuid())
    }

    static func maker(_ context: ContextSpec?) -> String? { context?.approval.map { $0.maker ?? user } }

    /// Signs the plan. May ask for a passphrase on the terminal.
    static func sign(_ file: PlanFile, key: String) throws(Failure) -> String {
        try inFolder { (folder) throws(Failure) in
            let plan = folder + "/plan"
            try NewFile.create(plan, file.signedText)
            let words = ["ssh-keygen", "-q", "-Y", "sign", "-f", Paths.expanded(key), "-n", namespace, plan]
            let code: Int32
            do throws(Subprocess.Failure) { code = try Subprocess.foreground(words) } catch { throw missing(error) }
            guard code == 0, let signature = readText(plan + ".sig"), signature.hasPrefix("-----BEGIN SSH SIGNATURE-----") else {
                throw Failure(.error, "\(key): ssh-keygen has not signed the plan; is it a private key, or a public one of an agent's?")
            }
            return signature
        }
    }

    /// Throws where the plan does not have the signatures that the rule wants; otherwise tells who agreed besides its maker.
    @discardableResult
    static func verify(_ file: PlanFile, _ rule: ApprovalRule) throws(Failure) -> [String] {
        let (signers, problem) = try signers(file, rule)
        func refused(_ why: String) -> Failure {
            let how = "`kastellan approve PLAN --key FILE` signs it (\(rule.origin))"
            return Failure(.error, "not applied: \(why)\(problem.map { "; \($0)" } ?? ""); \(how)")
        }
        guard let maker = file.maker else { throw refused("the plan does not say who made it: make it anew in this context") }
        guard signers.contains(where: { $0.name == maker }) else {
            throw refused("\(visible(maker)), who is said to have made the plan, has not signed it")
        }
        let own = Set(signers.filter { $0.name == maker }.map(\.key))
        // One key is one person, whatever names it goes by.
        var others: [Signer] = []
        for signer in signers where signer.name != maker && !own.contains(signer.key) {
            if !others.contains(where: { $0.name == signer.name || $0.key == signer.key }) { others.append(signer) }
        }
        guard others.count >= rule.count else {
            let have = others.isEmpty ? "nobody has" : "only " + others.map { visible($0.name) }.joined(separator: ", ") + " has"
            throw refused("\(rule.wish), and \(have)")
        }
        return others.map(\.name)
    }

    private struct Signer {
        var name: String
        /// The public key in the signature.
        var key: [UInt8]
    }

    /// Those whose signature is of exactly this plan; and what was wrong with one that is not.
    private static func signers(_ file: PlanFile, _ rule: ApprovalRule) throws(Failure) -> ([Signer], String?) {
        let allowed = path(of: rule)
        guard access(allowed, R_OK) == 0 else {
            throw Failure(.error, "\(allowed): \(systemMessage(errno)); it is to be the file of allowed signers (\(rule.origin))")
        }
        guard file.approvals.count <= signaturesMax else { throw Failure(.error, "more than \(signaturesMax) signatures") }
        return try inFolder { (folder) throws(Failure) in
            let (plan, signature) = (folder + "/plan", folder + "/signature")
            try NewFile.create(plan, file.signedText)
            var found: [Signer] = []
            var problem: String?
            for text in file.approvals {
                try NewFile.replace(signature, text)
                if let signer = try signer(plan, signature, allowed), let key = publicKey(text) {
                    found.append(Signer(name: signer, key: key))
                } else {
                    problem = "a signature is of another plan, or of somebody who is not in \(allowed)"
                }
            }
            return (found, problem)
        }
    }

    private static func signer(_ plan: String, _ signature: String, _ allowed: String) throws(Failure) -> String? {
        let find = ["ssh-keygen", "-Y", "find-principals", "-s", signature, "-f", allowed, "-n", namespace]
        guard let name = try answer(find, "/dev/null").flatMap({ $0.split(separator: "\n").first.map(String.init) }) else { return nil }
        let verify = ["ssh-keygen", "-Y", "verify", "-f", allowed, "-I", name, "-n", namespace, "-s", signature]
        return try answer(verify, plan) == nil ? nil : name
    }

    /// What it prints; nil where it says no.
    private static func answer(_ words: [String], _ input: String) throws(Failure) -> String? {
        do throws(Subprocess.Failure) {
            return String(decoding: try Subprocess.output(of: words, input: input), as: UTF8.self)
        } catch {
            if error.message.contains(systemMessage(ENOENT)) { throw missing(error) }
            return nil
        }
    }

    private static func missing(_ failure: Subprocess.Failure) -> Failure {
        Failure(.error, "\(failure.message); plans are signed by OpenSSH's ssh-keygen, 8.9 or later (openssh-client)")
    }

    /// Of a signature's armour: magic, a version, the public key with its length before it.
    static func publicKey(_ text: String) -> [UInt8]? {
        let body = text.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()
        guard let bytes = base64(body), bytes.starts(with: "SSHSIG".utf8), bytes.count > 14 else { return nil }
        let length = bytes[10..<14].reduce(0) { $0 << 8 | Int($1) }
        return bytes.count >= 14 + length ? Array(bytes[14..<(14 + length)]) : nil
    }

    private static func base64(_ text: String) -> [UInt8]? {
        var (out, bits, held): ([UInt8], Int, UInt32) = ([], 0, 0)
        for byte in text.utf8 where byte != UInt8(ascii: "=") {
            let value: UInt8
            switch byte {
            case 0x41...0x5A: value = byte - 0x41
            case 0x61...0x7A: value = byte - 0x61 + 26
            case 0x30...0x39: value = byte - 0x30 + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            default: return nil
            }
            held = held << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                out.append(UInt8(truncatingIfNeeded: held >> UInt32(bits)))
            }
        }
        return out
    }

    private static func path(of rule: ApprovalRule) -> String {
        let path = Paths.expanded(rule.signers)
        let folder = rule.origin.path.lastIndex(of: "/").map { String(rule.origin.path[..<$0]) } ?? "."
        return path.hasPrefix("/") ? path : "\(folder)/\(path)"
    }

    /// A folder for nobody else's eyes that is gone afterwards.
    private static func inFolder<T>(_ body: (String) throws(Failure) -> T) throws(Failure) -> T {
        guard let folder = PosixDisk.makeTemporaryDirectory("\(environment("TMPDIR") ?? "/tmp")/kastellan-") else {
            throw Failure(.error, "no temporary folder: \(systemMessage(errno))")
        }
        defer {
            for file in ["plan", "plan.sig", "signature"] { unlink("\(folder)/\(file)") }
            rmdir(folder)
        }
        return try body(folder)
    }
}

extension PlanFile {
    /// As it is kept in a context: with its maker, where others have to agree.
    init?(_ plan: Plan, cluster: String?, in context: ContextSpec?) {
        self.init(plan, cluster: cluster)
        maker = PlanApproval.maker(context)
    }
}

/// `kastellan approve`: a signature into a plan's file.
enum ApproveCommand {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let path = invocation.positionals[0]
        guard let text = readText(path) else { throw Failure(.error, "cannot read \(path): \(systemMessage(errno))") }
        var file = try PlanFile(text, path: path)
        guard let key = invocation.text("--key") else { throw .usage("approve wants --key, the key that signs") }
        Streams.print(file.summary)
        if !invocation.isSet("--yes") {
            guard Streams.isTerminal(0) else { throw .usage("approving signs the plan; give --yes to do it without being asked") }
            Streams.write(Array("Sign it? [y/N] ".utf8), to: Streams.error)
            guard ["y", "yes"].contains((readLine() ?? "").lowercased()) else { throw Failure(.error, "nothing was signed") }
        }
        let signature = try PlanApproval.sign(file, key: key)
        guard let signer = PlanApproval.publicKey(signature) else { throw Failure(.error, "ssh-keygen's signature cannot be read") }
        guard !file.approvals.contains(where: { PlanApproval.publicKey($0) == signer }) else {
            throw Failure(.error, "\(path) has a signature by this key already")
        }
        file.approvals.append(signature)
        try NewFile.replace(path, file.text)
        Streams.print("Signed. \(path) has \(file.approvals.count) signature\(file.approvals.count == 1 ? "" : "s").\n")
        return .ok
    }
}

extension PlanFile {
    /// What somebody who is to agree wants to see; all of it is signed.
    var summary: String {
        var out = "\(visible(title))\n"
        if let maker { out += "made by \(visible(maker))\n" }
        if let cluster { out += "cluster \(visible(cluster))\n" }
        if !place.isEmpty { out += "at \(visible(place))\n" }
        if !rows.isEmpty {
            var listing = Listing(columns.map { .init($0, $0) })
            for row in rows where row.count == columns.count { listing.add(row.map { .string($0) }) }
            out += "\n" + listing.text(.table)
        }
        for text in touches { out += "\(visible(text))\n" }
        out += "\n"
        for step in steps { out += "\(visible(step))\n" }
        if !kafkaCommand.isEmpty { out += visible(kafkaCommand, keepingLines: true) + "\n" }
        return out + "\n"
    }
}
