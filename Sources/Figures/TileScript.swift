/// The JavaScript that shows single numbers of a large map, tile by tile.
enum TileScript {
  static let library = #"""
    // What the words after the last step stand for.
    const oddNumbers = [NaN, Infinity, -Infinity];
    // Puts a number's colour into an image.
    const painter = data => {
      const palette = new Uint8Array(768);
      for (let i = 0; i < 768; i++) palette[i] = parseInt(data.colors.slice(2 * i, 2 * i + 2), 16);
      const low = data.low, scale = 255 / (data.high - data.low);
      return (pixels, at, value) => {
        if (!Number.isFinite(value)) {
          const grey = value !== value ? [138, 146, 156, 110] : [92, 100, 110, 235];
          for (let i = 0; i < 4; i++) pixels[at + i] = grey[i];
          return;
        }
        const place = (value - low) * scale, color = 3 * (place > 255 ? 255 : place > 0 ? Math.round(place) : 0);
        pixels[at] = palette[color]; pixels[at + 1] = palette[color + 1]; pixels[at + 2] = palette[color + 2];
        pixels[at + 3] = 255;
      };
    };
    // The tiles of a map, opened as they are looked at; the latest few dozen are kept.
    const tileSource = data => {
      const { side, half, list } = data.tiles, across = Math.ceil(data.columns / side);
      const places = new Map(list.map(each => [each[0] * across + each[1], each]));
      const open = new Map(), paint = painter(data);
      const tile = place => {
        const given = places.get(place);
        if (!given) return null;
        let known = open.get(place);
        if (known) open.delete(place);
        else {
          const [row, column, farthest, text] = given;
          const height = Math.min(side, data.rows - row * side), width = Math.min(side, data.columns - column * side);
          const steps = unpacked("u8z", text, height * width), values = new Float32Array(height * width);
          for (let i = 0; i < values.length; i++) {
            const share = (steps[i] - half) / half;
            values[i] = steps[i] > 2 * half ? oddNumbers[steps[i] - 2 * half - 1] : farthest * share * Math.abs(share);
          }
          known = { row: row * side, column: column * side, width, height, values, canvas: null,
            least: farthest * 0.25 / (half * half) };
          if (open.size >= 48) open.delete(open.keys().next().value);
        }
        open.set(place, known);
        return known;
      };
      const placeOf = (row, column) => Math.floor(row / side) * across + Math.floor(column / side);
      const picture = known => {
        if (known.canvas) return known.canvas;
        const canvas = document.createElement("canvas");
        canvas.width = known.width; canvas.height = known.height;
        const pen = canvas.getContext("2d"), image = pen.createImageData(known.width, known.height);
        for (let y = 0; y < known.height; y++) for (let x = 0; x < known.width; x++)
          if (!data.causal || known.column + x <= known.row + y + data.columns - data.rows)
            paint(image.data, 4 * (y * known.width + x), known.values[y * known.width + x]);
        pen.putImageData(image, 0, 0);
        return known.canvas = canvas;
      };
      return {
        has: (row, column) => places.has(placeOf(row, column)),
        value: (row, column) => {
          const known = tile(placeOf(row, column));
          return known ? known.values[(row - known.row) * known.width + column - known.column] : NaN;
        },
        // What a number that is shown as zero stays below.
        least: (row, column) => tile(placeOf(row, column)).least,
        draw: (pen, seen, toX, toY) => {
          const right = Math.min(data.columns, seen.x + seen.width), bottom = Math.min(data.rows, seen.y + seen.height);
          for (let row = Math.floor(seen.y / side); row * side < bottom; row++)
            for (let column = Math.floor(seen.x / side); column * side < right; column++) {
              const known = tile(row * across + column);
              if (!known) continue;
              const x = toX(known.column), y = toY(known.row);
              pen.clearRect(x, y, toX(known.column + known.width) - x, toY(known.row + known.height) - y);
              pen.drawImage(picture(known), x, y, toX(known.column + known.width) - x, toY(known.row + known.height) - y);
            }
        },
      };
    };

    """#
}

/// JavaScript that undoes Deflate, at once and in every browser.
enum InflateScript {
  static let library = #"""
    // Deflate (RFC 1951) backwards, into a known number of bytes.
    const inflate = (bytes, size) => {
      const out = new Uint8Array(size);
      let bit = 0, filled = 0;
      const take = count => {
        let value = 0;
        for (let i = 0; i < count; i++, bit++) value |= (bytes[bit >> 3] >> (bit & 7) & 1) << i;
        return value;
      };
      // A canonical code: how many words of each length, and what they stand for, in order.
      const code = lengths => {
        const counts = new Uint16Array(16), begins = new Uint16Array(16), words = new Uint16Array(lengths.length);
        for (const length of lengths) counts[length]++;
        counts[0] = 0;
        for (let length = 1; length < 15; length++) begins[length + 1] = begins[length] + counts[length];
        lengths.forEach((length, word) => { if (length) words[begins[length]++] = word; });
        return { counts, words };
      };
      const word = ({ counts, words }) => {
        let value = 0, first = 0, index = 0;
        for (let length = 1; length < 16; length++, bit++) {
          value |= bytes[bit >> 3] >> (bit & 7) & 1;
          const count = counts[length];
          if (value - count < first) { bit++; return words[index + value - first]; }
          index += count;
          first = first + count << 1; value <<= 1;
        }
        throw new Error("damaged data");
      };
      const fixed = () => [code([...Array(288).keys()].map(i => i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)),
        code(Array(30).fill(5))];
      const order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
      const ownCodes = () => {
        const literals = take(5) + 257, distances = take(5) + 1, count = take(4) + 4, short = Array(19).fill(0);
        for (let i = 0; i < count; i++) short[order[i]] = take(3);
        const lengthCode = code(short), lengths = [];
        while (lengths.length < literals + distances) {
          const next = word(lengthCode);
          if (next < 16) { lengths.push(next); continue; }
          const again = next === 16 ? 3 + take(2) : next === 17 ? 3 + take(3) : 11 + take(7);
          const value = next === 16 ? lengths[lengths.length - 1] : 0;
          for (let i = 0; i < again; i++) lengths.push(value);
        }
        return [code(lengths.slice(0, literals)), code(lengths.slice(literals))];
      };
      for (let last = 0; !last;) {
        last = take(1);
        const kind = take(2);
        if (kind === 0) {
          const at = (bit + 7 >> 3) + 4, count = bytes[at - 4] | bytes[at - 3] << 8;
          out.set(bytes.subarray(at, at + count), filled);
          filled += count; bit = 8 * (at + count);
          continue;
        }
        const [literals, distances] = kind === 1 ? fixed() : ownCodes();
        for (;;) {
          const next = word(literals);
          if (next < 256) { out[filled++] = next; continue; }
          if (next === 256) break;
          const k = next - 257, e = k < 8 || k === 28 ? 0 : (k >> 2) - 1;
          const length = k === 28 ? 258 : k < 8 ? k + 3 : ((4 + (k & 3)) << e) + 3 + take(e);
          const d = word(distances), f = d < 4 ? 0 : (d >> 1) - 1;
          const distance = d < 4 ? d + 1 : ((2 + (d & 1)) << f) + 1 + take(f);
          if (distance > filled) throw new Error("damaged data");
          for (let i = 0; i < length; i++, filled++) out[filled] = out[filled - distance];
        }
      }
      return out;
    };

    """#
}
