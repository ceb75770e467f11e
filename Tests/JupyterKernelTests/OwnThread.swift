@testable import JupyterKernel

/// Runs a blocking test on a thread of its own, off the pool that runs the tests.
func onOwnThread(_ body: @escaping @Sendable () throws -> Void) async throws {
  try await withCheckedThrowingContinuation {
    (continuation: CheckedContinuation<Void, any Error>) in
    do {
      try WorkerThread.start(stackBytes: 8 << 20) {
        continuation.resume(with: Result { try body() })
      }
    } catch {
      continuation.resume(throwing: error)
    }
  }
}
