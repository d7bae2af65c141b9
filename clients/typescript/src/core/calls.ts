// The calls of a service, with the errors of this package and the signals of callers.

import type { DescService } from "@bufbuild/protobuf";
import { type CallOptions, type Client, createClient, type Transport } from "@connectrpc/connect";
import { GuideBoardError } from "./errors.js";

/** A signal that follows several others. */
export class LinkedSignal {
  readonly #controller = new AbortController();
  readonly #sources: AbortSignal[];
  readonly #follow = (event: Event) => this.#controller.abort((event.target as AbortSignal).reason);

  constructor(...sources: (AbortSignal | undefined)[]) {
    this.#sources = sources.filter((source) => source !== undefined) as AbortSignal[];
    for (const source of this.#sources) {
      if (source.aborted) {
        this.#controller.abort(source.reason);
      } else {
        source.addEventListener("abort", this.#follow, { once: true });
      }
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Aborts what uses the signal, and follows the others no longer. */
  release(reason?: unknown): void {
    for (const source of this.#sources) {
      source.removeEventListener("abort", this.#follow);
    }
    this.#controller.abort(reason);
  }
}

/** What to throw: the reason of the signal if that is why, as `fetch` has it, and else an error of this package. */
export function failure(thrown: unknown, signal: AbortSignal): unknown {
  return signal.aborted ? signal.reason : GuideBoardError.from(thrown);
}

type Unary = (request: unknown, options: CallOptions) => Promise<unknown>;
type Streaming = (request: unknown, options: CallOptions) => AsyncIterable<unknown>;

/**
 * The calls of a service. Failures are `GuideBoardError`; of a call that its signal aborts, the signal's reason. Once `lifetime` is aborted, no call
 * goes on, and none begins.
 */
export function callsOf<Service extends DescService>(
  service: Service,
  transport: Transport,
  lifetime: AbortSignal,
): Client<Service> {
  const client = createClient(service, transport) as Record<string, unknown>;
  const calls: Record<string, unknown> = {};
  for (const { localName, methodKind } of service.methods) {
    calls[localName] =
      methodKind === "unary"
        ? unary(client[localName] as Unary, lifetime)
        : streaming(client[localName] as Streaming, lifetime);
  }
  return calls as Client<Service>;
}

function unary(call: Unary, lifetime: AbortSignal): Unary {
  return async (request, options) => {
    const link = new LinkedSignal(options?.signal, lifetime);
    try {
      link.signal.throwIfAborted();
      return await call(request, { ...options, signal: link.signal });
    } catch (thrown) {
      throw failure(thrown, link.signal);
    } finally {
      link.release();
    }
  };
}

function streaming(call: Streaming, lifetime: AbortSignal): Streaming {
  return async function* (request, options) {
    const link = new LinkedSignal(options?.signal, lifetime);
    try {
      link.signal.throwIfAborted();
      yield* call(request, { ...options, signal: link.signal });
    } catch (thrown) {
      throw failure(thrown, link.signal);
    } finally {
      // A reader that stops early ends the call, too.
      link.release();
    }
  };
}
