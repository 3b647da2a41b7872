/* service_call.h - one call to an API, waited for by the task that makes it. */
#ifndef API_SERVICE_CALL_H
#define API_SERVICE_CALL_H

#include "port/api_call.h"
#include "port/sync.h"

/*
 * From start to finish; the request's part of `call` and its answer buf are the caller's. ready
 * and owner are set here. monitor: where it waits, also for several calls at once; outlives them.
 */
void service_call(const struct api_service *service, struct api_call *call, struct sync *sync,
                  struct monitor *monitor);

#endif
