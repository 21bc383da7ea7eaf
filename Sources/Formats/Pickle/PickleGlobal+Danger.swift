extension PickleGlobal {
  /// Whether the global could run commands, reach files, the network or the interpreter if it were called.
  ///
  /// Nothing is called in any case; a file that names one of these was made to do harm, and its reader should know.
  var isDangerous: Bool {
    let package = module.prefix { $0 != "." }
    if Self.dangerousModules.contains(String(package)) { return true }
    let function = String(name.prefix { $0 != "." })
    if Self.builtins.contains(module) { return Self.dangerousBuiltins.contains(function) || function.hasPrefix("__") }
    return Self.dangerousFunctions.contains("\(module).\(function)")
  }

  private static let builtins: Set<String> = ["builtins", "__builtin__", "__builtins__"]

  private static let dangerousModules: Set<String> = [
    "os", "posix", "nt", "subprocess", "sys", "importlib", "imp", "runpy", "pickle", "cPickle", "_pickle", "cloudpickle",
    "dill", "marshal", "shelve", "shutil", "socket", "socketserver", "ctypes", "_ctypes", "cffi", "webbrowser", "pty",
    "code", "codeop", "commands", "popen2", "_posixsubprocess", "asyncio", "pdb", "bdb", "timeit", "cProfile", "pip",
    "ensurepip", "zipimport", "pkgutil", "urllib", "urllib2", "http", "httplib", "requests", "ftplib", "smtplib",
    "telnetlib", "xmlrpc", "pydoc",
  ]

  private static let dangerousBuiltins: Set<String> = [
    "eval", "exec", "execfile", "compile", "getattr", "setattr", "delattr", "open", "file", "input", "raw_input", "globals",
    "locals", "vars", "dir", "apply", "breakpoint", "help", "reload", "exit", "quit", "memoryview",
  ]

  private static let dangerousFunctions: Set<String> = [
    "operator.attrgetter", "operator.methodcaller", "operator.call", "_operator.attrgetter", "_operator.methodcaller",
    "_operator.call", "types.FunctionType", "types.CodeType", "types.ModuleType", "torch.load", "torch.hub", "torch.hub.load",
    "torch.serialization.load", "torch.jit.load", "torch.utils.cpp_extension.load", "torch.utils.cpp_extension.load_inline",
    "numpy.load", "io.open", "io.FileIO", "_io.open", "_io.FileIO", "codecs.open", "multiprocessing.util.spawnv_passfds",
  ]
}
