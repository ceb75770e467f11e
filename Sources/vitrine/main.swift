import Glibc

do {
  try CommandLineTool.run(Array(CommandLine.arguments.dropFirst()))
} catch {
  StandardError.write("vitrine: \(error)\n")
  exit(error is UsageError ? 2 : 1)
}
