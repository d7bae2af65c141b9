package example.guideboard;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** The address of a server: {@code http://HOST:PORT}, {@code https://HOST:PORT} or {@code unix:PATH}. */
final class ServerAddress {
  private static final int MAX_SOCKET_PATH = 107;

  /** A name, or an IP address without brackets; null for a Unix socket. */
  final String host;

  final int port;
  final boolean tls;
  /** The path of a Unix socket; null for the others. */
  final String socket;

  private ServerAddress(String host, int port, boolean tls, String socket) {
    this.host = host;
    this.port = port;
    this.tls = tls;
    this.socket = socket;
  }

  static ServerAddress parse(String text) {
    if (text.startsWith("unix:")) {
      return new ServerAddress(null, 0, false, socketPath(text.substring("unix:".length())));
    }
    int colons = text.indexOf("://");
    String scheme = colons < 0 ? "http" : text.substring(0, colons).toLowerCase(Locale.ROOT);
    if (!scheme.equals("http") && !scheme.equals("https")) {
      throw refused(text, "the scheme is none of these");
    }
    String authority = colons < 0 ? text : text.substring(colons + 3);
    if (authority.endsWith("/")) {
      authority = authority.substring(0, authority.length() - 1);
    }
    if (authority.matches(".*[/?#].*")) {
      throw refused(text, "nothing may follow the port");
    }
    if (authority.contains("@")) {
      throw refused("(hidden)", "a user cannot be named");
    }
    int colon = authority.lastIndexOf(':');
    // A server compares the name with those that it allows.
    String host = colon < 0 ? "" : authority.substring(0, colon).toLowerCase(Locale.ROOT);
    boolean isLiteral = host.matches("\\[[0-9a-fA-F:.]+\\]");
    if (colon < 0 || !isLiteral && host.matches(".*[:\\[\\]].*")) {
      throw refused(text, "the port is missing, or the brackets");
    }
    String digits = authority.substring(colon + 1);
    int port = digits.matches("[0-9]{1,5}") ? Integer.parseInt(digits) : 0;
    if (port < 1 || port > 65535) {
      throw refused(text, "the port is from 1 to 65535");
    }
    if (!isLiteral && !host.matches("[A-Za-z0-9._-]{1,253}")) {
      throw refused(text, "the host is no name or address");
    }
    return new ServerAddress(isLiteral ? host.substring(1, host.length() - 1) : host, port, scheme.equals("https"), null);
  }

  private static String socketPath(String rest) {
    if (rest.startsWith("//") && !rest.startsWith("///")) {
      throw refused("unix:" + rest, "`unix://` is followed by an absolute path; a relative one is unix:PATH");
    }
    String path = rest.startsWith("//") ? rest.substring(2) : rest;
    if (path.isEmpty() || path.indexOf('\0') >= 0) {
      throw refused("unix:" + rest, "the path of the socket is missing");
    }
    if (path.getBytes(StandardCharsets.UTF_8).length > MAX_SOCKET_PATH) {
      throw refused("unix:" + rest, "the path of a socket has at most " + MAX_SOCKET_PATH + " bytes");
    }
    return path;
  }

  private static IllegalArgumentException refused(String text, String why) {
    return new IllegalArgumentException("a server is http://HOST:PORT or https://HOST:PORT, or unix:PATH: " + why + ": " + text);
  }

  /** Whether what is sent in the clear would pass a network: http to another host than this one. */
  boolean isExposed() {
    if (tls || socket != null || host.equalsIgnoreCase("localhost")) {
      return false;
    }
    boolean isAddress = host.contains(":") || host.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}");
    try {
      // An address is not looked up, and a name must not be trusted to lead here.
      return !isAddress || !InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException noAddress) {
      return true;
    }
  }

  @Override
  public String toString() {
    if (socket != null) {
      return (socket.startsWith("//") ? "unix://" : "unix:") + socket;
    }
    return (tls ? "https://" : "http://") + (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
  }
}
