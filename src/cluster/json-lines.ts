const NEWLINE = 0x0a;

/**
 * The JSON documents of a stream that has one per line. A line that the stream's end cut off is dropped: the sender did not finish
 * it. Throws SyntaxError for a whole line that is not JSON.
 */
export async function* jsonLines(pieces: AsyncIterable<Buffer>): AsyncIterable<unknown> {
  let unfinished: Buffer[] = [];
  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      const rest = piece.subarray(start, end);
      const line = unfinished.length === 0 ? rest : Buffer.concat([...unfinished, rest]);
      unfinished = [];
      start = end + 1;
      if (line.length > 0) yield JSON.parse(line.toString('utf8'));
    }
    if (start < piece.length) unfinished.push(piece.subarray(start));
  }
}
