package example.guideboard;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * A list that the server gives page by page. A page is asked for when it is come to, and not before; whoever stops early asks no further.
 *
 * <p>Each iteration asks anew from the first page. The first page is asked for once; further ones again and again while the connection is broken,
 * for as long as the client's settings say. A call of {@code hasNext()} or {@code next()} of an iterator may throw {@link GuideBoardException}.
 * The list itself may be used by several threads, each of its iterators by one.
 *
 * @param <P> a page: a reply of the service, with its totals and counts
 * @param <T> an item
 */
public final class Pages<P, T> implements Iterable<T> {
  private final Function<String, P> fetch;
  private final Function<P, String> nextToken;
  private final Function<P, List<T>> items;
  private final String firstToken;

  /** How a page is made from a token, and what of it is the next token and the items. */
  Pages(String firstToken, Function<String, P> fetch, Function<P, String> nextToken, Function<P, List<T>> items) {
    this.firstToken = firstToken;
    this.fetch = fetch;
    this.nextToken = nextToken;
    this.items = items;
  }

  /**
   * The pages as such, for what stands in them beside the items.
   *
   * @return the pages, in order
   */
  public Iterable<P> pages() {
    return PageIterator::new;
  }

  /**
   * The items of all pages, one after the other.
   *
   * @return the items, in order
   */
  public Stream<T> stream() {
    return StreamSupport.stream(pages().spliterator(), false).flatMap(page -> items.apply(page).stream());
  }

  @Override
  public Iterator<T> iterator() {
    Iterator<P> pages = new PageIterator();
    return new Iterator<>() {
      private Iterator<T> page = List.<T>of().iterator();

      @Override
      public boolean hasNext() {
        // A page may be empty and still have a next one.
        while (!page.hasNext() && pages.hasNext()) {
          page = items.apply(pages.next()).iterator();
        }
        return page.hasNext();
      }

      @Override
      public T next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        return page.next();
      }
    };
  }

  private final class PageIterator implements Iterator<P> {
    /** The token of the next page; null after the last. */
    private String token = firstToken;

    @Override
    public boolean hasNext() {
      return token != null;
    }

    @Override
    public P next() {
      if (token == null) {
        throw new NoSuchElementException();
      }
      P page = fetch.apply(token);
      String next = nextToken.apply(page);
      token = next.isEmpty() ? null : next;
      return page;
    }
  }
}
