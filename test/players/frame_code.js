// Reads the number that rig/frame_code.hpp and clock.sh draw, from the picture that a video element shows.

const columns = 12;
const rows = 4;
// The picture is scaled so that each of its 16 x 12 cells has 10 x 8 pixels; only the middle of a cell is read.
const width = 16 * 10;
const height = 12 * 8;

const check_sum = (number) => {
  let crc = 0xffff;
  for (let bit = 31; bit >= 0; --bit) {
    const differ = ((number >>> bit) & 1) !== crc >> 15;
    crc = ((crc << 1) & 0xffff) ^ (differ ? 0x1021 : 0);
  }
  return crc;
};

export class code_reader {
  #context;

  constructor() {
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    this.#context = canvas.getContext('2d', { willReadFrequently: true });
  }

  /// The number from 0 to 2^32 - 1; null if the picture has no code, or one that cannot be read with certainty.
  read(video) {
    this.#context.drawImage(video, 0, 0, width, height);
    const pixels = this.#context.getImageData(0, 0, width, height).data;
    const means = [];
    for (let cell = 0; cell < columns * rows; ++cell) {
      const left = (2 + (cell % columns)) * 10;
      const top = (1 + Math.floor(cell / columns)) * 8;
      let sum = 0;
      for (let y = top + 2; y < top + 6; ++y)
        for (let x = left + 3; x < left + 7; ++x) sum += pixels[4 * (y * width + x) + 1];
      means.push(sum / 16);
    }
    const low = Math.min(...means);
    const high = Math.max(...means);
    if (high - low < 50) return null;
    let number = 0;
    let check = 0;
    for (const [cell, mean] of means.entries()) {
      const share = (mean - low) / (high - low);
      if (share > 0.4 && share < 0.6) return null;
      const bit = share > 0.5 ? 1 : 0;
      if (cell < 32) number = number * 2 + bit;
      else check = check * 2 + bit;
    }
    return check === check_sum(number) ? number : null;
  }
}
