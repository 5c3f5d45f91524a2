import CLinux
import Glibc

/// A system call that failed: which one, on what, and why. The text reads
/// `bind 127.0.0.1:8080: Address already in use`.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// errno(3), read on the line after the call.
    package let code: Code
    /// The call and its subject, such as `bind 127.0.0.1:8080`.
    package let call: String

    package init(_ code: Code, _ call: String) {
        self.code = code
        self.call = call
    }

    package var description: String { "\(call): \(code)" }

    /// An errno(3) value with the names that callers decide by.
    package struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        package let rawValue: Int32
        package init(rawValue: Int32) { self.rawValue = rawValue }
        package var description: String { String(cString: strerror(rawValue)) }

        package static let accessDenied = Code(rawValue: EACCES)
        package static let addressInUse = Code(rawValue: EADDRINUSE)
        package static let alreadyExists = Code(rawValue: EEXIST)
        package static let badDescriptor = Code(rawValue: EBADF)
        package static let connectionRefused = Code(rawValue: ECONNREFUSED)
        package static let fileTooLarge = Code(rawValue: EFBIG)
        package static let invalidArgument = Code(rawValue: EINVAL)
        package static let isDirectory = Code(rawValue: EISDIR)
        package static let noSpace = Code(rawValue: ENOSPC)
        package static let notFolder = Code(rawValue: ENOTDIR)
        package static let notFound = Code(rawValue: ENOENT)
        package static let notPermitted = Code(rawValue: EPERM)
        package static let notSocket = Code(rawValue: ENOTSOCK)
        package static let processLimitReached = Code(rawValue: EAGAIN)
        package static let tooManyOpenFilesInProcess = Code(rawValue: EMFILE)
        package static let tooManyOpenFilesInSystem = Code(rawValue: ENFILE)
    }
}

extension SystemError {
    init(_ number: Int32, _ call: String) { self.init(Code(rawValue: number), call) }
}

/// Repeats a call while a signal handler interrupts it (EINTR); what remains is the result and its errno.
@inline(__always)
func uninterrupted<Result: FixedWidthInteger>(_ call: () -> Result) -> (result: Result, errno: Int32) {
    while true {
        let result = call()
        let code = errno
        if result != -1 || code != EINTR { return (result, code) }
    }
}

/// Runs a call that returns -1 on failure and turns the failure into a `SystemError`.
@inline(__always) @discardableResult
func checked<Result: FixedWidthInteger>(
    _ name: @autoclosure () -> String, _ call: () -> Result
) throws(SystemError) -> Result {
    let (result, code) = uninterrupted(call)
    if result == -1 { throw SystemError(code, name()) }
    return result
}
