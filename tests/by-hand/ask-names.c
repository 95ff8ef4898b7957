/*
 * Asks docker's resolver for the address of one name: ask-names NAME RATE SECONDS. It prints the number of queries that it sent, that were
 * answered with an address, and that had another answer. No query is sent again.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
  AT_A_TIME = 64, /* far fewer bytes than a socket's receive buffer holds: a slow guest loses no packet */
  PATIENCE_SECONDS = 10, /* longer than docker's resolver waits for another server */
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int count, char **args) {
  if (count != 4 || strlen(args[1]) > 63) return 2;
  const double rate = atof(args[2]);
  const long total = rate * atof(args[3]);
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  const struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = inet_addr("127.0.0.11")};
  if (connect(fd, (const void *)&server, sizeof server)) return 1;
  unsigned char query[90] = {0, 0, 1, 0, 0, 1}; /* RFC 1035, 4.1 */
  const size_t length = strlen(args[1]);
  query[12] = length;
  memcpy(query + 13, args[1], length);
  memcpy(query + 13 + length, "\0\0\1\0\1", 5);
  static char is_open[65536];
  long sent = 0, answered = 0, other = 0;
  const double began = now();
  double last = began;
  while (answered < total && now() - last < PATIENCE_SECONDS) {
    long due = rate * (now() - began);
    if (due > total) due = total;
    for (; sent < due && sent - answered < AT_A_TIME; sent++) {
      query[0] = sent >> 8;
      query[1] = sent;
      if (send(fd, query, 18 + length, 0) < 0) break;
      is_open[sent & 65535] = 1;
    }
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    poll(&readable, 1, 1);
    unsigned char answer[512];
    ssize_t size;
    while ((size = recv(fd, answer, sizeof answer, MSG_DONTWAIT)) >= 0) {
      const int id = answer[0] << 8 | answer[1];
      const int is_answer = size > 20 && is_open[id] && (answer[3] & 15) == 0 && answer[7] == 1;
      if (is_answer) answered++, is_open[id] = 0, last = now();
      else other++;
    }
  }
  printf("sent %ld answered %ld other %ld seconds %.1f\n", sent, answered, other, now() - began);
  return 0;
}
