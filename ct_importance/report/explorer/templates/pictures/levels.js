// Images of levels, as the page holds them, and what follows from them: importance, masks, regions.

const ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'()*+,-./:;=>?@[]^_`{|}~";
const PLACES = new Uint8Array(128);
[...ALPHABET].forEach((character, place) => { PLACES[character.charCodeAt(0)] = place; });

/** The bytes of a text with 13 bits in every two characters. */
function bytesOf(text) {
  const bytes = new Uint8Array(Math.floor(text.length / 2 * 13 / 8));
  let [held, count, at] = [0, 0, 0];
  for (let i = 0; i < text.length; i += 2) {
    held = (held << 13) | (PLACES[text.charCodeAt(i)] * 91 + PLACES[text.charCodeAt(i + 1)]);
    for (count += 13; count >= 8; at += 1) {
      count -= 8;
      bytes[at] = held >> count;
    }
    held &= (1 << count) - 1;
  }
  return bytes;
}

/** Numbers of a kind; there may be a byte more than they take. */
function numbersOf(text, Kind = Float32Array) {
  const { buffer } = bytesOf(text);
  return new Kind(buffer, 0, Math.floor(buffer.byteLength / Kind.BYTES_PER_ELEMENT));
}

const curveOf = ([step, text]) => Array.from(numbersOf(text, Int16Array), (number) => number * step);

/** Decode a grey WebP to {width, height, pixels}. */
async function decodeImage(text) {
  const blob = new Blob([bytesOf(text)], { type: "image/webp" });
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", {
    willReadFrequently: true,
  });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const rgba = context.getImageData(0, 0, width, height).data;
  const pixels = new Uint8Array(width * height);
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = rgba[4 * i];
  return { width, height, pixels };
}

/** Decode a slice to grey values from 0 to `greys` - 1, whose low bits are an image of their own. */
async function decodeGreys(high, low, greys) {
  const [image, rest] = await Promise.all([decodeImage(high), low && decodeImage(low)]);
  if (!rest) return image;
  const shift = Math.ceil(Math.log2(greys)) - 8;
  const pixels = Uint16Array.from(image.pixels, (value, place) => (value << shift) | rest.pixels[place]);
  return { ...image, pixels };
}

/** Decode an image of levels; values[level] is the importance of its pixels. */
async function decodeLevels({ levels, values, sizes }) {
  const image = await decodeImage(levels);
  return { ...image, values: numbersOf(values), sizes };
}

/** The values of a variant; the absolute ones are those of the map without its signs. */
const valuesOf = (values, variant) => (variant === "absolute" ? values.map(Math.abs) : values);

// A fixed order that looks random: within a level nothing is known of the order of pixels.
function scrambled(index) {
  let x = Math.imul(index + 1, 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  return (x ^ (x >>> 13)) >>> 0;
}

/**
 * Which pixels are masked at a fraction: whole levels in order of importance, and of the level
 * where the fraction ends as many pixels as are lacking.
 */
function maskedPixels(map, variant, order, fraction) {
  const { pixels } = map;
  const values = valuesOf(map.values, variant);
  const sizes = new Uint32Array(values.length);
  for (const level of pixels) sizes[level] += 1;
  const direction = order === "mif" ? -1 : 1;
  const levels = [...values.keys()].sort((a, b) => direction * (values[a] - values[b]));
  const masked = new Uint8Array(pixels.length);
  const whole = new Uint8Array(values.length);
  let left = Math.floor(fraction * pixels.length + 0.5);
  for (const level of levels) {
    if (sizes[level] > left) {
      const members = [];
      pixels.forEach((one, place) => { if (one === level) members.push(place); });
      const cutoff = Uint32Array.from(members, scrambled).sort()[left];
      for (const place of members) if (scrambled(place) < cutoff) masked[place] = 1;
      break;
    }
    whole[level] = 1;
    left -= sizes[level];
  }
  pixels.forEach((level, place) => { if (whole[level]) masked[place] = 1; });
  return masked;
}

/**
 * The lowest rank of the regions that are shown at a percentage, and the share that is shown:
 * heat >= percentile(heat, 100 - percentage), as the metric has it.
 */
function shownRegions({ values, sizes }, percentage) {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const position = (total - 1) * (1 - percentage / 100);
  const below = Math.floor(position + 1e-9);
  const between = position - below > 1e-9;
  const rankAt = (pixel) => {
    let end = 0;
    return sizes.findIndex((size) => { end += size; return pixel < end; });
  };
  const first = rankAt(Math.min(between ? below + 1 : below, total - 1));
  const shown = sizes.slice(first).reduce((sum, size) => sum + size, 0);
  return { first, share: shown / total, regions: values.length - first };
}
