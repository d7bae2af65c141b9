// Package guideboard is a client of a guide-board server.
//
// It is a thin layer over the generated stubs, which stand in [guideboard.example/client/guideboard/v1] and which every [Client] gives access to.
// It adds what each program would otherwise write: connecting over TCP, TLS and Unix sockets with a token, going through all pages of a list,
// following a job over broken connections, downloading artifacts and whole runs with resume and verification, and errors that carry the reason
// that the service gave.
//
// A [Client] is safe for concurrent use. Every call takes a context and ends when that does. There is no global state.
//
// # Broken connections
//
// A list, a job that is followed, and a download go on where they were when the connection breaks, for as long as [WithRetryFor] says. A server that
// has never answered a client is not tried again: a wrong address or certificate is told at once. Calls of the stubs are made once.
package guideboard
