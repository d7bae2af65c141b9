package example.guideboard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ServerAddressTest {
  @ParameterizedTest
  @CsvSource({
    "http://127.0.0.1:8080,http://127.0.0.1:8080",
    "127.0.0.1:8080,http://127.0.0.1:8080",
    "HTTP://localhost:1/,http://localhost:1",
    "http://A-Host.Example:1,http://a-host.example:1",
    "http://[::1]:80,http://[::1]:80",
    "https://board.example:443,https://board.example:443",
    "unix:run/board.sock,unix:run/board.sock",
    "unix:///run/board.sock,unix:/run/board.sock",
    "unix:////run/board.sock,unix:////run/board.sock",
  })
  void everySpellingIsTaken(String text, String shown) {
    assertEquals(shown, ServerAddress.parse(text).toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", "localhost", "http://localhost", "http://localhost:0", "http://localhost:65536", "http://localhost:+1", "http://::1:80", "ftp://localhost:1",
        "http://localhost:1/path", "http://someone@localhost:1", "http://[::1:80", "http://a b:1", "http://:1", "unix:", "unix://relative"
      })
  void whatIsNoAddressIsRefused(String text) {
    assertThrows(IllegalArgumentException.class, () -> ServerAddress.parse(text));
  }

  @Test
  void aSocketPathThatTheSystemCannotTakeIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> ServerAddress.parse("unix:/" + "a".repeat(107)));
    assertEquals("unix:/" + "a".repeat(106), ServerAddress.parse("unix:/" + "a".repeat(106)).toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"http://10.0.0.1:1", "http://board.example:1", "http://[2001:db8::1]:1", "http://localhost.example:1", "http://127.0.0.1.example:1"})
  void onlyHttpToAnotherHostIsExposed(String text) {
    assertTrue(ServerAddress.parse(text).isExposed());
    assertFalse(ServerAddress.parse(text.replace("http:", "https:")).isExposed());
  }

  @ParameterizedTest
  @ValueSource(strings = {"http://127.0.0.1:1", "http://127.8.8.8:1", "http://[::1]:1", "http://LOCALHOST:1", "unix:board.sock"})
  void thisHostIsNotExposed(String text) {
    assertFalse(ServerAddress.parse(text).isExposed());
  }
}
