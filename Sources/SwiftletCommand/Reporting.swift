import ArgumentParser
import Architectures
import Evaluation
import Files
import Training

// The C library's `stdout` is a variable, which nothing here changes.
#if canImport(Glibc)
  @preconcurrency import Glibc
#elseif canImport(Musl)
  @preconcurrency import Musl
#else
  @preconcurrency import Darwin
#endif

/// Ends with exit code 1 when all has been said.
struct SilentFailure: Error {}

enum ErrorReport {
  /// The one place where errors become text. Help and version go to standard output with exit code 0; errors become one line on
  /// standard error, with exit code 64 where the arguments are wrong and 1 otherwise.
  static func exit(with error: any Error) -> Never {
    if error is SilentFailure { end(1) }
    Folder.removeEmptyNew()
    if let stop = error as? Interruption.Stop {
      Terminal.printError("swiftlet: \(stop.line)")
      Interruption.end()
    }
    let code = SwiftletCommand.exitCode(for: error)
    if code.isSuccess {
      Terminal.show(SwiftletCommand.fullMessage(for: error) + "\n")
      endWell()
    }
    let isParsers = code == .validationFailure
    let isUsage = isParsers || Self.isUsage(error)
    let message = isParsers ? SwiftletCommand.message(for: error) : "\(error)"
    let line = message.split(separator: "\n").joined(separator: " ")
    Terminal.printError("swiftlet: \(line)\(isUsage ? " (see '\(helpCommand(for: error))')" : "")")
    end(isUsage ? ExitCode.validationFailure.rawValue : 1)
  }

  /// Whether what was asked for is wrong in itself.
  private static func isUsage(_ error: any Error) -> Bool {
    switch error {
    case let error as EvaluationError: error.isUsage
    case let error as ArchitectureError: error.isUsage
    case let error as DataError: error.isUsage
    default: false
    }
  }

  /// What shows the help of the subcommand whose arguments are wrong, as the full message names it.
  private static func helpCommand(for error: any Error) -> String {
    let text = SwiftletCommand.fullMessage(for: error)
    if isUsage(error) {
      let names = SwiftletCommand.commands(named: Startup.arguments).compactMap { $0.configuration.commandName }
      return (["swiftlet"] + names + ["--help"]).joined(separator: " ")
    }
    guard let start = text.ranges(of: "See '").last?.upperBound, let end = text[start...].firstIndex(of: "'") else {
      return "swiftlet --help"
    }
    return String(text[start..<end])
  }

  /// Ends with exit code 0, unless what was printed did not arrive: a full disk behind standard output is a failure like any other.
  static func endWell() -> Never {
    // The flush tells of the last piece, the flag of those before it.
    if fflush(stdout) != 0 || ferror(stdout) != 0 {
      Terminal.printError("swiftlet: standard output was not written in full; free some space or choose another place")
      end(1)
    }
    end(0)
  }

  private static func end(_ code: Int32) -> Never {
    #if canImport(Glibc)
      Glibc.exit(code)
    #elseif canImport(Musl)
      Musl.exit(code)
    #else
      Darwin.exit(code)
    #endif
  }
}

/// Standard error, and what the command writes there while it works.
enum Terminal {
  /// Whether a person watches.
  static let isInteractive = isatty(STDERR_FILENO) != 0

  /// Standard error as it was when the command began: while libraries decode, the number 2 may lead nowhere.
  private static let descriptor = {
    let copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
    return copy < 0 ? STDERR_FILENO : copy
  }()

  /// Call it before any work.
  static func keepsStandardError() { _ = (isInteractive, descriptor) }

  /// The characters of a table in a pipe or a file.
  private static let widthInPipe = 120

  /// The report, laid out for where it goes. In a pipe or a file tables fit, too, but sentences and errors are whole, as programs that read lines want them.
  private static func text(_ report: ReportText, for descriptor: Int32 = STDOUT_FILENO) -> String {
    let width = width(of: descriptor)
    return report.text(sentences: width, tables: width ?? widthInPipe).printable
  }

  /// The characters of a line of a report: as COLUMNS says, else of the terminal that it goes to; nil for a pipe or a file.
  static func width(of descriptor: Int32 = STDOUT_FILENO) -> Int? {
    if let columns { return columns }
    var size = winsize()
    return ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : nil
  }

  /// As COLUMNS says.
  private static var columns: Int? {
    getenv("COLUMNS").flatMap { Int(String(cString: $0)) }.flatMap { $0 > 0 ? $0 : nil }
  }

  /// Lines that are none of the report, on standard error.
  static func printText(_ lines: String) { write(lines.printable) }

  /// The same, laid out as reports are.
  static func printReport(_ report: ReportText) { write(text(report, for: STDERR_FILENO)) }

  static func printError(_ line: String) { write(line.asErrorLine + "\n") }

  /// Prints text as it is: on standard output, or on standard error where an output of the command goes to the former. With the report's form the
  /// one way for text to leave the command, so that no control character from a file reaches a terminal.
  static func show(_ text: String, besides outputs: [String] = []) { put(text.printable, besides: outputs) }

  /// As `show`, for reports, laid out for the terminal.
  ///
  /// - Parameter isWide: in lines of any length.
  static func show(_ report: ReportText, isWide: Bool = false, besides outputs: [String] = []) {
    put(isWide ? report.text().printable : text(report), besides: outputs)
  }

  /// As `show`, for JSON, which gets an end of line.
  static func showJSON(_ text: String, besides outputs: [String] = []) { put(text.printableJSON + "\n", besides: outputs) }

  /// What was shown so far arrives now, for those who watch a file grow.
  static func flush() { fflush(stdout) }

  private static func put(_ text: String, besides outputs: [String]) {
    if outputs.contains(where: { $0 == "-" || $0 == "/dev/stdout" }) { write(text) } else { print(text, terminator: "") }
  }

  /// Draws over the line that was drawn before; where nobody watches, nothing.
  ///
  /// - Parameter first: the share that was done at `start`.
  static func drawProgress(_ label: String, _ share: Double, since start: Double, from first: Double = 0) {
    guard isInteractive else { return }
    let width = 30
    let done = Int((share * Double(width)).rounded())
    let bar = String(repeating: "#", count: done) + String(repeating: ".", count: width - done)
    let elapsed = Machine.seconds - start
    let left = share > first ? " \(duration(elapsed / (share - first) * (1 - share))) left" : ""
    let state = "[\(bar)] \(TextFormat.fixed(share * 100, 0))%\(left)  "
    // What is wider than the line could not be drawn over.
    write(
      "\r\u{1B}[K\(state)\(label.onOneLine.shortened(columns: max((Self.width(of: STDERR_FILENO) ?? 80) - state.count - 1, 8)))"
    )
  }

  static func clearProgress() {
    if isInteractive { write("\r\u{1B}[K") }
  }

  private static func duration(_ seconds: Double) -> String {
    let seconds = Int(seconds.rounded(.up))
    if seconds < 60 { return "\(seconds) s" }
    let rest = seconds % 60
    return seconds < 3600 ? "\(seconds / 60) min \(rest) s" : "\(seconds / 3600) h \(seconds / 60 % 60) min"
  }

  private static func write(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { buffer in
        #if canImport(Glibc)
          Glibc.write(descriptor, buffer.baseAddress, buffer.count)
        #elseif canImport(Musl)
          Musl.write(descriptor, buffer.baseAddress, buffer.count)
        #else
          Darwin.write(descriptor, buffer.baseAddress, buffer.count)
        #endif
      }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }
}
