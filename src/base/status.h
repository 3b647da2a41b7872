/* status.h - what a fallible call returns: what its caller may do next. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#define MUST_CHECK __attribute__((warn_unused_result))

/*
 * One source for the list: name, text. A status tells the caller what to do, not what went
 * wrong in the layer below; `struct error` (base/error.h) carries the facts.
 */
#define STATUS_TABLE(X)                                                                            \
    X(OK, "ok")                                                                                    \
    X(INVALID, "the input is wrong; the same call cannot succeed")                                 \
    X(NOT_FOUND, "there is no such thing")                                                         \
    X(CONFLICT, "something else is already there; nothing was changed")                            \
    X(LIMIT, "over a stated maximum; nothing was changed")                                         \
    X(UNAVAILABLE, "not done; the same call may succeed later")                                    \
    X(IN_DOUBT, "may be done or not; ask again with the same key")                                 \
    X(FENCED, "another owner has taken over; this one must stop")                                  \
    X(CORRUPT, "stored data is damaged; stop and run the check")                                   \
    X(DENIED, "not allowed")                                                                       \
    X(TIMEOUT, "the time allowed has passed; nothing is known to be wrong")                        \
    X(STOPPED, "shutting down; no further calls are accepted")

#define STATUS_ENUM(name, text) STATUS_##name,
enum status { STATUS_TABLE(STATUS_ENUM) STATUS_COUNT };
#undef STATUS_ENUM

/* Static strings: "IN_DOUBT", and the sentence beside it. CHECKs that status is in range. */
const char *status_name(enum status status);
const char *status_text(enum status status);

/*
 * What a failed call of the system comes to, by its errno: STATUS_LIMIT: the disk is full.
 * STATUS_DENIED: a right is missing, or the disk is only read. Else STATUS_UNAVAILABLE: what it
 * means that a file is or is not there, or is as large as it may be, is for the caller to say.
 */
enum status status_of_errno(int number) MUST_CHECK;

#endif
