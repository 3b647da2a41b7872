/* kafka_broker.h - for tests in C: real brokers, held by kafka_harness.py as long as the test is. */
#ifndef TESTS_KAFKA_KAFKA_BROKER_H
#define TESTS_KAFKA_KAFKA_BROKER_H

#include <stdio.h>
#include <sys/types.h>

struct kafka_broker {
    pid_t pid;
    FILE *words;   /* to the harness */
    FILE *answers; /* from it */
    char brokers[512];
};

/* Ends the program with 77 when brokers cannot be had. */
void kafka_broker_start(struct kafka_broker *broker, int count);
/* "kill 0", "start 0", "kill-all"; returns when it is done. */
void kafka_broker_tell(struct kafka_broker *broker, const char *word);
void kafka_broker_stop(struct kafka_broker *broker);

#endif
