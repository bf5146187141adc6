/* A server of a person that starts at once: it answers every request with 200 and an empty object.
 * Built as `broken` it ends instead, as a server that cannot start does. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 2\r\n"
    "Connection: close\r\n\r\n{}";

int main(void) {
#ifdef BROKEN
  return 3;
#endif
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8888)};
  int one = 1, listening = socket(AF_INET, SOCK_STREAM, 0);
  signal(SIGPIPE, SIG_IGN);
  setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listening, (struct sockaddr *)&address, sizeof address) || listen(listening, 64))
    return 1;
  for (;;) {
    char request[4096];
    int client = accept(listening, 0, 0);
    if (client < 0) continue;
    if (read(client, request, sizeof request) > 0) (void)!write(client, answer, strlen(answer));
    close(client);
  }
}
