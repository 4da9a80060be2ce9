/// The linter of this project's own rules (CONTRIBUTING.md, "The rules that tidy holds").
@main
struct Main {
    static func main() { start() }
}
