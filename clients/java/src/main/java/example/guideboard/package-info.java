/**
 * A client of guide-board: connections, pages, jobs that are followed, downloads that are verified, errors.
 *
 * <p>{@link example.guideboard.GuideBoardClient} is where to begin. The messages, and the stubs of gRPC beneath, are in
 * {@code example.guideboard.v1},
 * generated from the service's {@code .proto} files.
 */
package example.guideboard;
