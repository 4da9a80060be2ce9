@main
struct Main {
    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "client-load" { await ClientLoad.start(Array(arguments.dropFirst())) } else { start() }
    }
}
