/* peer_headers.h - which headers go along when a replica hands a call on, and which come back. */
#ifndef ADAPTER_PEER_HEADERS_H
#define ADAPTER_PEER_HEADERS_H

#include "port/api_call.h"

/* Whether a header of the caller's is for the owner: not of its connection, and not a peer's own. */
bool peer_passes_header(struct str name);

/*
 * A header of the owner's answer: its type, and what an API of ours sets, into the call; all else
 * is left out, for names and types are static texts.
 */
void peer_answer_header(struct api_call *call, struct str name, struct str value);

#endif
