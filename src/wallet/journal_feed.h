/* journal_feed.h - the events of a lane's journal, read batch by batch as they become durable. */
#ifndef WALLET_JOURNAL_FEED_H
#define WALLET_JOURNAL_FEED_H

#include "wallet/event_feed.h"
#include "wallet/lane.h"

/*
 * The outbox is the journal itself: what is in it was published by being committed, and a
 * reader needs to remember only how far it has come. A feed keeps the batch that it read last,
 * so that reading on costs nothing; each reader has a feed of its own. Calls from several
 * tasks wait for each other. Only what is durable is ever read.
 */
struct journal_feed;

/* store and sync outlive the feed, and so does the lane. source is static: "/tpwallet/0". */
enum status journal_feed_new(struct lane *lane, struct store *store, struct sync *sync,
                             const char *source, struct journal_feed **out_feed) MUST_CHECK;
/* Accepts NULL. */
void journal_feed_free(struct journal_feed *feed);

/* The port that relays read. */
struct event_feed *journal_feed_port(struct journal_feed *feed);

#endif
