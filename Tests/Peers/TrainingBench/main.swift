// Trains the model of facts/performance.md's training row on random tokens, as often as it is asked.
//
// For each number N read from standard input, N steps are taken and their times in milliseconds printed in one line, with
// the last loss at the end. `VITRINE_THREADS` gives the number of threads.

import DataFormats
import Glibc
import Tensors
import Training

let configuration: JSONObject = [
  "model_type": "llama", "hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4,
  "num_key_value_heads": 4, "intermediate_size": 352, "vocab_size": 2048,
  "max_position_embeddings": 256, "tie_word_embeddings": false,
]
var generator = SeededGenerator(seed: 1)
let documents = (0..<16).map { _ in
  TrainingDocument(ids: (0..<129).map { _ in Int32.random(in: 0..<2_048, using: &generator) })
}
let trainer = try Trainer(
  configuration: configuration, corpus: TrainingCorpus(documents, contextLength: 128),
  options: TrainingOptions(schedule: .constant, tokensPerBatch: 2_048))
while let line = readLine(), let count = Int(line) {
  var times: [String] = []
  var loss = 0.0
  for _ in 0..<count {
    let start = ContinuousClock.now
    loss = try trainer.takeStep().loss
    let duration = (ContinuousClock.now - start).components
    times.append("\(Double(duration.seconds) * 1e3 + Double(duration.attoseconds) * 1e-15)")
  }
  print(times.joined(separator: " "), loss)
  fflush(nil)
}
