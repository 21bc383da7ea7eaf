import Evaluation
import Files

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What is made sure of before anything else.
enum Startup {
  /// Where standard input, output or error are closed, nothing that is opened may take their numbers: a report would end up in a
  /// picture. What is read there is empty, and what is written there fails.
  static func opensStandardStreams() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 { _ = open("/dev/null", O_RDONLY) }
  }

  /// What was given behind the name of the program, with bytes that are no UTF-8 as `String(systemPath:)` has them: names of files may hold any.
  static var arguments: [String] {
    joiningNegativeNumbers(
      splittingEmptyValues(
        (1..<max(Int(CommandLine.argc), 1)).compactMap { index in CommandLine.unsafeArgv[index].map { String(systemPath: $0) } }
      ))
  }

  /// `--suffix ""` for `--suffix=`: the parser would take the next argument for the value.
  static func splittingEmptyValues(_ arguments: [String]) -> [String] {
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    return arguments[..<end].flatMap { argument in
      argument.hasPrefix("--") && argument.firstIndex(of: "=") == argument.index(before: argument.endIndex)
        ? [String(argument.dropLast()), ""] : [argument]
    } + arguments[end...]
  }

  /// `--epochs=-1` for `--epochs -1`: the parser would take the number for an option, and say that a value is missing where it is one that the option
  /// does not have. No option is called by a digit.
  static func joiningNegativeNumbers(_ arguments: [String]) -> [String] {
    var result: [String] = [], isOfOptions = true
    for argument in arguments {
      if let last = result.last, isOfOptions, last.hasPrefix("--"), last.count > 2, !last.contains("="),
        argument.hasPrefix("-"), Double(argument) != nil
      {
        result[result.count - 1] = "\(last)=\(argument)"
      } else {
        result.append(argument)
      }
      // What stands behind it are no options.
      if argument == "--" { isOfOptions = false }
    }
    return result
  }

  /// The least that a command can begin with.
  private static let leastByteCount = 48 << 20

  /// Ends with one line where `ulimit -v` leaves no memory to begin with. Little pieces are taken everywhere, and where one is not to be
  /// had, the language's runtime ends the process with a trace; what is large is checked where it is taken.
  static func checksMemory() {
    guard let left = MemoryLimit.ofProcess else { return }
    Machine.givesBackFreedMemory()
    guard left.byteCount < leastByteCount else { return }
    let line: StaticString =
      left.cause == .data
      ? "swiftlet: the limit of data (ulimit -d) leaves too little memory to begin with; raise it\n"
      : "swiftlet: the limit of address space (ulimit -v) leaves too little memory to begin with; raise it\n"
    _ = write(STDERR_FILENO, line.utf8Start, line.utf8CodeUnitCount)
    _exit(1)
  }
}
