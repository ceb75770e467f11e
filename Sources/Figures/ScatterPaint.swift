/// The part of a scatter plot's script that puts its marks into an image, pixel by pixel.
///
/// Twenty thousand of them have to follow a turning hand, sixty times a second.
enum ScatterPaint {
  static let painter = #"""
    // Discs in one image, each over those before it. Colours are words with red in the lowest byte.
    const painter = pen => {
      let image = null, words = null, width = 0, height = 0, stamps = [];
      // What a share of colour does to a pixel: the opacity of both in the highest byte, and of 256 parts the colour's.
      const blends = new Uint32Array(65536);
      for (let share = 1; share < 256; share++) for (let alpha = 0; alpha < 256; alpha++) {
        const sum = share + alpha * (255 - share) / 255;
        blends[share << 8 | alpha] = (Math.round(sum) << 24 | Math.round(256 * share / sum)) >>> 0;
      }
      // Of 256 parts some of one colour, the others of another: red and blue at once, then green.
      const mixed = (color, back, parts) =>
        (Math.imul(color & 0xff00ff, parts) + Math.imul(back & 0xff00ff, 256 - parts)) >>> 8 & 0xff00ff
        | (Math.imul(color & 0xff00, parts) + Math.imul(back & 0xff00, 256 - parts)) >>> 8 & 0xff00;
      // A disc's pixels relative to the one of its middle, those that it covers whole before those at its rim: the
      // same for all discs of a radius to an eighth and a middle to a quarter of a pixel.
      const stampOf = key => {
        const fy = key & 3, fx = key >> 2 & 3, outer = (key >> 4) / 8 + 0.5, reach = Math.ceil(outer) + 1, found = [];
        for (let y = -reach; y <= reach; y++) for (let x = -reach; x <= reach; x++) {
          const share = Math.round(255 * Math.min(1, outer - Math.hypot(x + 0.5 - (fx + 0.5) / 4, y + 0.5 - (fy + 0.5) / 4)));
          if (share > 0) found.push({ x, y, share });
        }
        found.sort((one, other) => (other.share === 255) - (one.share === 255));
        const column = name => Int32Array.from(found, each => each[name]);
        return stamps[key] = {
          reach, whole: found.filter(each => each.share === 255).length, xs: column("x"), ys: column("y"), shares: column("share"),
          offsets: Int32Array.from(found, each => each.y * width + each.x),
        };
      };
      const disc = (x, y, radius, color) => {
        const column = Math.floor(x), row = Math.floor(y);
        const key = Math.round(radius * 8) << 4 | Math.floor((x - column) * 4) << 2 | Math.floor((y - row) * 4);
        const stamp = stamps[key] || stampOf(key), { reach, whole, offsets, shares } = stamp;
        const middle = row * width + column, count = offsets.length, opaque = (color | 255 << 24) >>> 0;
        const isCut = column < reach || row < reach || column + reach >= width || row + reach >= height;
        if (isCut) {
          if (column < -reach || row < -reach || column - reach >= width || row - reach >= height) return;
          const { xs, ys } = stamp;
          for (let k = 0; k < count; k++) {
            const atX = column + xs[k], atY = row + ys[k];
            if (atX < 0 || atY < 0 || atX >= width || atY >= height) continue;
            const place = middle + offsets[k], back = words[place], blend = blends[shares[k] << 8 | back >>> 24];
            words[place] = (blend & 0xff000000 | mixed(color, back, blend & 511)) >>> 0;
          }
          return;
        }
        for (let k = 0; k < whole; k++) words[middle + offsets[k]] = opaque;
        for (let k = whole; k < count; k++) {
          const place = middle + offsets[k], back = words[place], blend = blends[shares[k] << 8 | back >>> 24];
          words[place] = (blend & 0xff000000 | mixed(color, back, blend & 511)) >>> 0;
        }
      };
      const resize = () => {
        width = pen.canvas.width; height = pen.canvas.height;
        image = pen.createImageData(width, height);
        words = new Uint32Array(image.data.buffer);
        stamps = [];
      };
      return { disc, mixed, resize, clear: () => words.fill(0), show: () => pen.putImageData(image, 0, 0) };
    };

    """#
}
