package example.guideboard;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.TlsChannelCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.Epoll;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A channel to a server, and what has to be released with it. */
final class Connection {
  private static final long KEEP_ALIVE_SECONDS = 20;
  /** What a server may send ahead over a new connection, in bytes. It is lost when that breaks, and grows while it does not. */
  private static final int FIRST_WINDOW = 1 << 16;

  private static final Metadata.Key<String> AUTHORIZATION = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  final ManagedChannel channel;
  /** Threads of a Unix socket's own; null for the others, which share those of gRPC. */
  private final EventLoopGroup threads;

  private Connection(ManagedChannel channel, EventLoopGroup threads) {
    this.channel = channel;
    this.threads = threads;
  }

  /** Whom to trust, and as whom to appear. What is null is not given. */
  static final class Tls {
    Path ca;
    String serverName;
    Path certificate;
    Path key;

    boolean isEmpty() {
      return ca == null && serverName == null && certificate == null;
    }
  }

  static Connection open(ServerAddress address, Tls tls, String token) throws IOException {
    EventLoopGroup threads = null;
    NettyChannelBuilder builder;
    if (address.socket != null) {
      if (!Epoll.isAvailable()) {
        throw new UnsupportedOperationException("Unix sockets are served on Linux alone", Epoll.unavailabilityCause());
      }
      threads = new EpollEventLoopGroup(1, daemons());
      // The service refuses the escaped path that gRPC would send as the name of the host.
      builder =
          NettyChannelBuilder.forAddress(new DomainSocketAddress(address.socket), InsecureChannelCredentials.create())
              .channelType(EpollDomainSocketChannel.class)
              .eventLoopGroup(threads)
              // gRPC sets it, and such sockets do not know it, of which there would be a warning. Null takes it away.
              .withOption(ChannelOption.SO_KEEPALIVE, null)
              .overrideAuthority("localhost");
    } else {
      ChannelCredentials credentials = address.tls ? credentials(tls) : InsecureChannelCredentials.create();
      builder = NettyChannelBuilder.forAddress(address.host, address.port, credentials);
      if (tls.serverName != null) {
        builder.overrideAuthority(tls.serverName);
      }
    }
    if (token != null) {
      builder.intercept(new Bearer(token));
    }
    builder
        .initialFlowControlWindow(FIRST_WINDOW)
        .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
        .keepAliveTimeout(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS);
    return new Connection(builder.build(), threads);
  }

  private static ChannelCredentials credentials(Tls tls) throws IOException {
    TlsChannelCredentials.Builder credentials = TlsChannelCredentials.newBuilder();
    if (tls.ca != null) {
      credentials.trustManager(tls.ca.toFile());
    }
    if (tls.certificate != null) {
      credentials.keyManager(tls.certificate.toFile(), tls.key.toFile());
    }
    return credentials.build();
  }

  private static ThreadFactory daemons() {
    AtomicInteger number = new AtomicInteger();
    return task -> {
      Thread thread = new Thread(task, "guide-board-" + number.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }

  /** Cancels what is under way, and waits until that has ended. */
  void close() {
    channel.shutdownNow();
    try {
      channel.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    if (threads != null) {
      threads.shutdownGracefully(0, 5, TimeUnit.SECONDS);
    }
  }

  /** Puts the token into each call. */
  private static final class Bearer implements ClientInterceptor {
    private final String value;

    Bearer(String token) {
      value = "Bearer " + token;
    }

    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      return new ForwardingClientCall.SimpleForwardingClientCall<>(next.newCall(method, options)) {
        @Override
        public void start(Listener<A> listener, Metadata headers) {
          headers.put(AUTHORIZATION, value);
          super.start(listener, headers);
        }
      };
    }
  }
}
