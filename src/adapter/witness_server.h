/* witness_server.h - a witness over HTTP: C2SP tlog-witness's add-checkpoint, probe and metrics. */
#ifndef ADAPTER_WITNESS_SERVER_H
#define ADAPTER_WITNESS_SERVER_H

#include "port/api_call.h"
#include "wallet/witness.h"

/*
 * POST /add-checkpoint (at most WITNESS_REQUEST_SIZE_MAX bytes), GET /livez, GET /metrics; all of
 * it public, since who may have a checkpoint cosigned is whom the log's key belongs to. An answer
 * is made on the thread that took the request, which waits for the disk meanwhile.
 *
 * For an HTTP server, which must be closed before the witness is.
 */
struct api_service witness_service(struct witness *witness);

#endif
