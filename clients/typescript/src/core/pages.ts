// Lists as if they had no pages.

/** What every page has. */
interface Page {
  readonly nextPageToken: string;
}

/**
 * Gives the items of all pages, and asks for a page only once it is needed.
 *
 * @param ask gets the page of a token; the empty one is the first.
 * @param itemsOf what a page holds.
 */
export async function* allPages<P extends Page, Item>(
  ask: (pageToken: string) => Promise<P>,
  itemsOf: (page: P) => readonly Item[],
): AsyncGenerator<Item, void, undefined> {
  let pageToken = "";
  do {
    const page = await ask(pageToken);
    yield* itemsOf(page);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}
