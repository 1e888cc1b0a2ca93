/** Delta debugging: the fewest moves with which a history still goes wrong, within some number of tries. */

/** @param fails whether it goes wrong with only these */
export async function shrink<M>(
  moves: readonly M[],
  fails: (moves: readonly M[]) => Promise<boolean>,
  tries = 300,
): Promise<readonly M[]> {
  let left = moves;
  let size = Math.ceil(left.length / 2);
  while (size >= 1 && left.length > 0) {
    let smaller: readonly M[] | null = null;
    // From the end: what is done last is most often without consequence.
    for (let to = left.length; to > 0 && smaller === null && tries > 0; to -= size) {
      const without = [...left.slice(0, Math.max(0, to - size)), ...left.slice(to)];
      tries -= 1;
      if (await fails(without)) smaller = without;
    }
    if (smaller !== null) {
      left = smaller;
      size = Math.min(size, Math.ceil(left.length / 2));
    } else if (size === 1 || tries <= 0) {
      break;
    } else {
      size = Math.ceil(size / 2);
    }
  }
  return left;
}
