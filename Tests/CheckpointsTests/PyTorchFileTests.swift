import Checkpoints
import Testing

private typealias P = Opcodes

private let good = P.dictionary([
  (P.text("w"), P.tensor(P.storage(count: 4), shape: [2, 2], strides: [2, 1]))
])

private func archive(_ change: (inout Archive) -> Void) -> [UInt8] {
  var archive = Archive(entries: [("x/data.pkl", good), ("x/data/0", Array(0..<16))])
  change(&archive)
  return archive.bytes
}

private func one(_ value: [UInt8]) -> [UInt8] { P.file(P.dictionary([(P.text("w"), value)])) }

/// Lies about where the archive's entries are.
private let archiveLies: [Lie] = [
  Lie(
    "a text", bytes: Array("hello".utf8),
    #""bad.bin" is no zip archive: PyTorch's files since version 1.6 are, older ones must be saved again."#
  ),
  Lie(
    "compressed", bytes: archive { $0.record = { if $0 == 1 { $1[10] = 8 } } },
    #""bad.bin" holds the entry "x/data/0" compressed (method 8): only stored entries are read."#),
  Lie(
    "encrypted", bytes: archive { $0.record = { if $0 == 1 { $1[8] = 1 } } },
    #""bad.bin" holds the entry "x/data/0" encrypted."#),
  Lie(
    "two sizes", bytes: archive { $0.record = { if $0 == 1 { $1[24] = 99 } } },
    #""bad.bin" gives the stored entry "x/data/0" two sizes, 16 and 99 bytes."#),
  Lie(
    "larger than the file",
    bytes: archive { $0.record = { if $0 == 1 { ($1[22], $1[26]) = (1, 1) } } },
    #""bad.bin" ends the entry "x/data/0" at byte 65793, but its data end at byte 257."#),
  Lie(
    "starts behind the file", bytes: archive { $0.record = { if $0 == 1 { $1[44] = 9 } } },
    #""bad.bin" ends the entry "x/data/0" at byte 590027, but its data end at byte 257."#),
  Lie(
    "overlap",
    bytes: archive { $0.record = { if $0 == 0 { ($1[20], $1[24]) = ($1[20] &+ 8, $1[24] &+ 8) } } },
    #""bad.bin" holds the entries "x/data.pkl" and "x/data/0" in the same bytes."#),
  Lie(
    "one name twice", bytes: archive { $0.entries.append(("x/data/0", [])) },
    #""bad.bin" holds the entry "x/data/0" twice."#),
  Lie(
    "no local header", bytes: archive { $0.local = { if $0 == 1 { $1[0] = 0 } } },
    #""bad.bin" has no valid header before the data of "x/data/0"."#),
  Lie(
    "local name of another length", bytes: archive { $0.local = { if $0 == 1 { $1[26] = 9 } } },
    #""bad.bin" has no valid header before the data of "x/data/0"."#),
  Lie(
    "directory outside", bytes: archive { $0.end = { $0[19] = 1 } },
    #""bad.bin" claims a directory of 110 bytes at byte 16777473, but the whole file has 389."#),
  Lie(
    "too many entries", bytes: archive { $0.end = { ($0[8], $0[10]) = (200, 200) } },
    #""bad.bin" claims 200 entries in a directory of 110 bytes."#),
  Lie(
    "a record that is none", bytes: archive { $0.record = { if $0 == 1 { $1[2] = 0 } } },
    #""bad.bin" has a malformed entry 2 in its directory."#),
  Lie(
    "a name behind the directory", bytes: archive { $0.record = { if $0 == 1 { $1[29] = 7 } } },
    #""bad.bin" has a malformed entry 2 in its directory."#),
  Lie(
    "64-bit sizes that are missing",
    bytes: archive {
      $0.record = {
        if $0 == 1 { $1.replaceSubrange(20..<28, with: [UInt8](repeating: 255, count: 8)) }
      }
    },
    #""bad.bin" has a malformed entry 2 in its directory."#),
  Lie(
    "several disks", bytes: archive { $0.end = { $0[4] = 1 } },
    #""bad.bin" is one part of an archive in several files."#),
  Lie(
    "no pickle", bytes: Archive(entries: [("x/other", [])]).bytes,
    #""bad.bin" has no entry "data.pkl"."#),
  Lie(
    "highest byte first", bytes: archive { $0.entries.append(("x/byteorder", Array("big".utf8))) },
    #""bad.bin" stores its numbers with the highest byte first, which is not read."#),
]

/// Pickles that would run something, or that lie.
private let pickleLies: [Lie] = [
  Lie(
    "a command", bytes: P.file([0x80, 2] + P.call("os", "system", [P.text("true")]) + [0x2e]),
    #""bad.bin" has a pickle that asks for "os.system": only tensors and plain containers are read, and nothing is run."#
  ),
  Lie(
    "a command behind a dot", bytes: P.file([0x80, 2] + P.global("torch", "hub.load") + [0x2e]),
    #""bad.bin" has a pickle that asks for "torch.hub.load": only tensors and plain containers are read, and nothing is run."#
  ),
  Lie(
    "a name from the stack", bytes: P.file([0x80, 2] + P.text("os") + P.text("system") + [0x93]),
    #""bad.bin" has a pickle with the opcode STACK_GLOBAL at byte 20: only those of tensors and plain containers are read, and nothing is run."#
  ),
  Lie(
    "an object", bytes: P.file([0x80, 2, 0x29, 0x29, 0x81, 0x2e]),
    #""bad.bin" has a pickle with the opcode NEWOBJ at byte 4: only those of tensors and plain containers are read, and nothing is run."#
  ),
  Lie(
    "no opcode", bytes: P.file([0x80, 2, 0xff]),
    #""bad.bin" has a pickle with the opcode 0xff at byte 2: only those of tensors and plain containers are read, and nothing is run."#
  ),
  Lie(
    "protocol 4", bytes: P.file([0x80, 4, 0x2e]),
    #""bad.bin" has a pickle of protocol 4: protocol 2 is read, which torch.save writes."#),
  Lie("no end", bytes: P.file([0x80, 2, 0x7d]), #""bad.bin" has a pickle that ends too early."#),
  Lie(
    "a text longer than the pickle", bytes: P.file([0x58, 255, 255, 255, 255]),
    #""bad.bin" has a pickle that ends too early."#),
  Lie(
    "nothing to call", bytes: P.file([0x52]),
    #""bad.bin" has a pickle that takes more values than it made."#),
  Lie(
    "values below a mark", bytes: P.file([0x4e, 0x28, 0x85, 0x2e]),
    #""bad.bin" has a pickle that takes more values than it made."#),
  Lie(
    "an unknown memory", bytes: P.file([0x68, 7]),
    #""bad.bin" has a pickle that refers to value 7, which it didn't make."#),
  Lie(
    "a number of 20 bytes", bytes: P.file([0x8a, 20] + [UInt8](repeating: 1, count: 20)),
    #""bad.bin" has a pickle with a whole number of 20 bytes: at most 8 are read."#),
  Lie(
    "text that is none", bytes: P.file([0x58, 1, 0, 0, 0, 0xff]),
    #""bad.bin" has a pickle with a text that is not UTF-8."#),
  Lie(
    "items of nothing", bytes: P.file([0x4e, 0x4e, 0x61]),
    #""bad.bin" has a pickle whose APPEND doesn't follow a container of its kind."#),
  Lie(
    "a key without a value", bytes: P.file([0x7d, 0x28, 0x4e, 0x75, 0x2e]),
    #""bad.bin" has a pickle whose SETITEMS doesn't follow a container of its kind."#),
  Lie(
    "attributes of a list", bytes: P.file([0x5d, 0x7d, 0x62, 0x2e]),
    #""bad.bin" has a pickle whose BUILD doesn't follow a container of its kind."#),
  Lie(
    "a call of a text", bytes: P.file(P.text("f") + [0x29, 0x52]),
    #""bad.bin" has a pickle that calls something that is not a function."#),
  Lie(
    "a call of a type", bytes: P.file(P.call("torch", "FloatStorage", [])),
    #""bad.bin" has a pickle that calls something that is not a function."#),
  Lie(
    "a tensor of nothing", bytes: one(P.call("torch._utils", "_rebuild_tensor_v2", [])),
    #""bad.bin" has a pickle that calls torch._utils._rebuild_tensor_v2 with arguments of another form."#
  ),
  Lie(
    "a negative shape", bytes: one(P.tensor(P.storage(count: 4), shape: [-1], strides: [1])),
    #""bad.bin" has a pickle that calls torch._utils._rebuild_tensor_v2 with arguments of another form."#
  ),
  Lie(
    "more strides than axes",
    bytes: one(P.tensor(P.storage(count: 4), shape: [1], strides: [1, 1])),
    #""bad.bin" has a pickle that calls torch._utils._rebuild_tensor_v2 with arguments of another form."#
  ),
  Lie(
    "negative storage", bytes: one(P.tensor(P.storage(count: -4), shape: [1], strides: [1])),
    #""bad.bin" has a pickle with a malformed reference to stored numbers."#),
  Lie(
    "storage beyond 64 bits", bytes: one(P.storage(count: .max)),
    #""bad.bin" has a pickle with a malformed reference to stored numbers."#),
  Lie(
    "a view behind its storage",
    bytes: one(P.tensor(P.storage(count: 4), offset: 1, shape: [2, 2], strides: [2, 1])),
    #""bad.bin" has a tensor of shape [2, 2] with strides [2, 1] from element 1 on, which its 4 stored numbers don't hold."#
  ),
  Lie(
    "strides beyond 64 bits",
    bytes: one(P.tensor(P.storage(count: 4), shape: [3], strides: [.max])),
    #""bad.bin" has a tensor of shape [3] with strides [9223372036854775807] from element 0 on, which its 4 stored numbers don't hold."#
  ),
  Lie(
    "one number as many",
    bytes: one(P.tensor(P.storage(count: 4), shape: [1 << 40], strides: [0])),
    #""bad.bin" has a tensor of shape [1099511627776] with strides [0] from element 0 on, which its 4 stored numbers don't hold."#
  ),
  Lie(
    "storage longer than its entry",
    bytes: one(P.tensor(P.storage(count: 5), shape: [1], strides: [1])),
    #""bad.bin" says that its entry "x/data/0" has 20 bytes of numbers, but it has 16."#),
  Lie(
    "storage that is missing",
    bytes: one(P.tensor(P.storage("../0", count: 1), shape: [1], strides: [1])),
    #""bad.bin" has no entry "x/data/../0"."#),
  Lie(
    "a tensor named by a number",
    bytes: P.file(
      P.dictionary([(P.integer(3), P.tensor(P.storage(count: 1), shape: [1], strides: [1]))])),
    #""bad.bin" holds a tensor whose name is not a text."#),
  Lie(
    "one tensor name twice",
    bytes: P.file(
      P.dictionary([
        (P.text("w"), P.tensor(P.storage(count: 1), shape: [1], strides: [1])),
        (P.text("w"), P.tensor(P.storage(count: 1), shape: [1], strides: [1])),
      ])), #""bad.bin" names the tensor "w" twice."#),
  Lie(
    "a list", bytes: P.file([0x5d, 0x2e]), #""bad.bin" holds no dictionary of named tensors."#),
  Lie(
    "a list that holds itself", bytes: P.file([0x5d, 0x71, 0, 0x68, 0, 0x61, 0x2e]),
    #""bad.bin" holds no dictionary of named tensors."#),
  Lie(
    "a dictionary that holds itself",
    bytes: P.file([0x7d, 0x71, 0] + P.text("state_dict") + [0x68, 0, 0x73, 0x2e]),
    #""bad.bin" holds no dictionary of named tensors."#),
]

@Suite struct PyTorchFileTests {
  private func expect(_ lie: Lie) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(lie.bytes, to: "bad.bin")
    let error = #expect(throws: CheckpointError.self) { try PyTorchFile(path: path) }
    #expect(error?.description == lie.sentence)
  }

  @Test(arguments: archiveLies) func everyLieAboutEntriesGetsOneSentence(lie: Lie) throws {
    try expect(lie)
  }

  @Test(arguments: pickleLies) func everyHostilePickleGetsOneSentence(lie: Lie) throws {
    try expect(lie)
  }

  @Test func theFilesThatLiesAreMadeOfAreRead() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(archive { _ in }, to: "good.bin")
    #expect(try PyTorchFile(path: path).tensor(named: "w").bytes == Array(0..<16))
  }

  @Test func olderFilesAreNamedAsSuch() {
    let error = #expect(throws: CheckpointError.self) {
      try Checkpoint("\(fixtures)/legacy.bin")
    }
    #expect(error?.description.contains("older ones must be saved again") == true)
  }

  /// Tuples a hundred thousand deep, and thirty lists that each hold the one before twice.
  @Test func depthAndSharingCostNothing() throws {
    let folder = try TemporaryFolder()
    let deep = [0x29] + [UInt8](repeating: 0x85, count: 100_000)
    var bomb: [UInt8] = [0x5d, 0x71, 0]
    for index in 1...30 {
      bomb += [
        0x5d, 0x71, UInt8(index), 0x28, 0x68, UInt8(index - 1), 0x68, UInt8(index - 1), 0x65,
      ]
    }
    for (name, value) in [("deep.bin", deep), ("bomb.bin", bomb)] {
      let pickle =
        [0x80, 2, 0x7d] + P.text("w")
        + P.tensor(P.storage(count: 1), shape: [1], strides: [1]) + [0x73] + P.text("v")
      // The bomb leaves its inner lists below the last one: the dictionary is taken back at the end.
      let path = try folder.write(
        P.file([0x80, 2] + value + pickle.dropFirst(2) + [0x4e, 0x73, 0x2e]), to: name)
      #expect(try PyTorchFile(path: path).names == ["w"])
    }
  }

  @Test func valuesAreLimited() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      P.file([UInt8](repeating: 0x29, count: 2_000_001)), to: "many.bin")
    let error = #expect(throws: CheckpointError.self) { try PyTorchFile(path: path) }
    #expect(
      error?.description == #""many.bin" has a pickle that makes more than 2000000 values."#)
  }

  /// A directory with 64-bit sizes, as archives above 4 GiB have.
  @Test func reads64BitDirectories() throws {
    let folder = try TemporaryFolder()
    let plain = archive { _ in }
    let directoryStart = plain.count - 22 - 110
    // The second entry's size and offset move to the extra field.
    var directory = Array(plain[directoryStart..<plain.count - 22])
    let record = 46 + "x/data.pkl".utf8.count
    let offset = Array(directory[(record + 42)..<(record + 46)])
    directory.replaceSubrange(
      (record + 20)..<(record + 28), with: [UInt8](repeating: 255, count: 8))
    directory.replaceSubrange(
      (record + 42)..<(record + 46), with: [UInt8](repeating: 255, count: 4))
    directory[record + 30] = 28
    directory +=
      [1, 0, 24, 0] + littleEndian(16, 8) + littleEndian(16, 8) + offset + [0, 0, 0, 0]
    var end64: [UInt8] =
      [0x50, 0x4b, 6, 6] + littleEndian(44, 8) + [UInt8](repeating: 0, count: 12)
    end64 += littleEndian(2, 8) + littleEndian(2, 8) + littleEndian(directory.count, 8)
    end64 += littleEndian(directoryStart, 8)
    var locator: [UInt8] = [0x50, 0x4b, 6, 7, 0, 0, 0, 0]
    locator += littleEndian(directoryStart + directory.count, 8) + [1, 0, 0, 0]
    let end: [UInt8] =
      [0x50, 0x4b, 5, 6] + [0, 0, 0, 0] + [UInt8](repeating: 255, count: 12) + [0, 0]
    let path = try folder.write(
      Array(plain[..<directoryStart]) + directory + end64 + locator + end, to: "64.bin")
    #expect(try PyTorchFile(path: path).tensor(named: "w").bytes == Array(0..<16))
  }
}
