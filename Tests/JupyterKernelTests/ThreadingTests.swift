import Glibc
import Synchronization
import Testing

@testable import JupyterKernel

@Suite struct InterruptionTests {
  @Test func handlersAreCalledOnceAndLateOnesAtOnce() {
    let interruption = Interruption()
    let calls = Mutex<[String]>([])
    interruption.whenRequested { calls.withLock { $0.append("early") } }
    #expect(!interruption.isRequested && calls.withLock { $0.isEmpty })
    interruption.request()
    interruption.request()
    #expect(interruption.isRequested)
    interruption.whenRequested { calls.withLock { $0.append("late") } }
    #expect(calls.withLock { $0 } == ["early", "late"])
  }
}

@Suite struct MailboxTests {
  @Test func eventsComeInOrderAndWakeOnce() throws {
    let mailbox = try Mailbox()
    mailbox.post(.publish([[1]]))
    mailbox.post(.interrupt)
    let events = mailbox.drain()
    #expect(events.count == 2)
    guard case .publish(let frames) = events[0], case .interrupt = events[1] else {
      Issue.record("wrong order")
      return
    }
    #expect(frames == [[1]])
    #expect(mailbox.drain().isEmpty)
  }

  @Test func whoWritesTooMuchWaitsUntilItIsSent() async throws {
    try await onOwnThread {
      let mailbox = try Mailbox(capacity: 10)
      mailbox.post(.publish([[UInt8](repeating: 0, count: 100)]))
      let hasRoom = Mutex(false)
      let done = try EventDescriptor(isBlocking: true)
      try WorkerThread.start {
        mailbox.waitForRoom()
        hasRoom.withLock { $0 = true }
        done.signal()
      }
      usleep(20_000)
      #expect(!hasRoom.withLock { $0 })
      #expect(mailbox.drain().count == 1)
      done.wait()
      #expect(hasRoom.withLock { $0 })
    }
  }

  @Test func aClosedMailboxTakesNothingAndHoldsNobodyUp() throws {
    let mailbox = try Mailbox(capacity: 1)
    mailbox.post(.publish([[1, 2, 3]]))
    mailbox.close()
    mailbox.waitForRoom()
    mailbox.post(.stop)
    #expect(mailbox.drain().isEmpty)
  }
}

@Suite(.serialized) struct ProcessTests {
  @Test func signalsBecomeEvents() throws {
    let signals = try Signals()
    defer {
      signal(SIGINT, SIG_DFL)
      signal(SIGTERM, SIG_DFL)
      signal(SIGHUP, SIG_DFL)
    }
    #expect(signals.take() == (false, false))
    kill(getpid(), SIGINT)
    var item = pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0)
    #expect(poll(&item, 1, 10_000) == 1)
    #expect(signals.take() == (true, false))
    kill(getpid(), SIGTERM)
    #expect(poll(&item, 1, 10_000) == 1)
    #expect(signals.take() == (false, true))
    #expect(poll(&item, 1, 0) == 0)
  }

  @Test func theEndOfTheParentIsNoticed() throws {
    #expect(ParentWatch(nil) == nil)
    #expect(ParentWatch("none") == nil)
    #expect(ParentWatch("1") == nil)
    #expect(ParentWatch("\(getppid())")?.isGone == false)
    var child: pid_t = 0
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("60"), nil]
    defer { for argument in arguments { free(argument) } }
    try #require(posix_spawn(&child, "/bin/sleep", nil, nil, &arguments, environ) == 0)
    let watch = try #require(ParentWatch("\(child)"))
    #expect(!watch.isGone)
    kill(child, SIGKILL)
    var status: Int32 = 0
    waitpid(child, &status, 0)
    #expect(watch.isGone)
  }
}
