/// libFuzzer's driver, told to call `decodeAnything` with whatever it makes up. SwiftPM renames `main` to `<module>_main`; this is it.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>, Int) -> Int32
) -> Int32

@_cdecl("fuzz_main")
public func start(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments) { bytes, length in testOne(bytes, length) }
}

/// What libFuzzer's own `main` would call; a debug build links that too.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOne(_ bytes: UnsafePointer<UInt8>, _ length: Int) -> Int32 {
    decodeAnything(UnsafeRawBufferPointer(start: bytes, count: length))
    return 0
}
