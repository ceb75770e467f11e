import Tensors

/// Words and sentences about nothing in particular, from which concepts are told where a call gives no others.
enum NeutralTexts {
  private static let english = """
    table window river stone chair bottle garden paper mountain door kitchen shoe letter basket bridge candle \
    carpet corner curtain drawer fence field flower forest glove hammer island jacket kettle ladder lamp leaf \
    market mirror needle orange oven path pencil pillow plate pocket pond rope sand shelf shirt soap spoon \
    square stairs station street string suitcase summer sweater tent thread ticket towel tower train tree \
    umbrella valley village wagon wall water wheel wind wood wool yard arrow barn bell boat bowl branch brick \
    broom brush bucket button cabin camp canal card cart cave clay cloud coat coin cup desk dish dust egg
    """.split(separator: " ").map(String.init)

  private static let chinese = """
    桌子 窗户 河流 石头 椅子 瓶子 花园 纸张 山坡 房门 厨房 鞋子 信件 篮子 桥梁 蜡烛 地毯 角落 窗帘 抽屉 篱笆 田野 花朵 \
    森林 手套 锤子 岛屿 外套 水壶 梯子 台灯 树叶 市场 镜子 针线 橘子 烤箱 小路 铅笔 枕头 盘子 口袋 池塘 绳子 沙子 书架 \
    衬衫 肥皂 勺子 广场 楼梯 车站 街道 细线 箱子 夏天 毛衣 帐篷 棉线 车票 毛巾 高塔 火车 大树 雨伞 山谷 村庄 马车 墙壁 \
    清水 轮子 微风 木头 羊毛 院子 弓箭 谷仓 铃铛 小船 饭碗 树枝 砖块 扫帚 刷子 水桶 纽扣 木屋 营地 运河 卡片 推车 山洞 \
    泥土 云朵 大衣 硬币 杯子 书桌 碟子 灰尘 鸡蛋
    """.split(separator: " ").map(String.init)

  /// So many different texts of the kind of the given ones: in the language that most of them are written in, words where
  /// they are words and short sentences where they are longer.
  static func like(_ texts: [String], count: Int, seed: UInt64) -> [String] {
    let isChinese =
      2 * texts.count { $0.unicodeScalars.contains(where: \.properties.isIdeographic) }
      > texts.count
    let isWord = 2 * texts.count { self.isWord($0) } > texts.count
    let words = isChinese ? chinese : english
    var generator = SeededGenerator(seed: seed)
    if isWord, count <= words.count {
      return Array(words.shuffled(using: &generator).prefix(count))
    }
    var seen: Set<String> = []
    var result: [String] = []
    while result.count < count {
      func word() -> String { words[Int.random(in: 0..<words.count, using: &generator)] }
      let (a, b, c) = (word(), word(), word())
      let number = Int.random(in: 2...60, using: &generator)
      let sentence =
        switch Int.random(in: 0..<4, using: &generator) {
        case 0:
          isChinese
            ? "\(a)在\(b)旁边，有\(number)年了。"
            : "The \(a) has stood beside the \(b) for \(number) years."
        case 1:
          isChinese ? "他把\(a)放在\(b)上，\(c)在下面。" : "She put the \(a) on the \(b), over the \(c)."
        case 2:
          isChinese
            ? "\(b)后面有\(number)个\(a)。" : "There are \(number) of them behind the \(a) and the \(b)."
        default: isChinese ? "今天我看见了\(a)和\(b)。" : "Today we saw the \(a), the \(b) and the \(c)."
        }
      if seen.insert(sentence).inserted { result.append(sentence) }
    }
    return result
  }

  private static func isWord(_ text: String) -> Bool {
    text.unicodeScalars.contains(where: \.properties.isIdeographic)
      ? text.unicodeScalars.count <= 4 : text.split(separator: " ").count <= 2
  }
}
