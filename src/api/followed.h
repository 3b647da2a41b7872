/* followed.h - which calls a replica that follows their lane may answer, and what it must cover. */
#ifndef API_FOLLOWED_H
#define API_FOLLOWED_H

#include "port/api_call.h"
#include "port/lane_route.h"

/* Reads of one account that allow an age. False: only the lane's owner may, who says what is wrong. */
bool followed_need(const struct api_call *call, struct lane_need *out_need);

#endif
