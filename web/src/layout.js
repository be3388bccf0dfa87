// How many columns make the tiles of a grid largest.
//
// Pure: sizes in CSS pixels in, the grid out. Tiles are 16:9 where there is room, and never narrower than a hand.

const kAspect = 16 / 9;

export function gridFor(count, width, height, gap = 10) {
  let best = { columns: 1, rows: Math.max(count, 1), tileWidth: 0, tileHeight: 0 };
  for (let columns = 1; columns <= Math.max(count, 1); columns++) {
    const rows = Math.ceil(Math.max(count, 1) / columns);
    const roomWidth = (width - gap * (columns - 1)) / columns;
    const roomHeight = (height - gap * (rows - 1)) / rows;
    const tileWidth = Math.min(roomWidth, roomHeight * kAspect);
    if (tileWidth > best.tileWidth) {
      best = { columns, rows, tileWidth, tileHeight: tileWidth / kAspect };
    }
  }
  return { ...best, tileWidth: Math.floor(best.tileWidth), tileHeight: Math.floor(best.tileHeight) };
}
