import ArgumentParser
import Swiftlet

@main
struct SwiftletCommand: ParsableCommand {
}
