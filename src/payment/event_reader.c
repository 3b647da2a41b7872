#include "payment/event_reader.h"

#include "payment/sandbox_wire.h"
#include "payment/stripe_event.h"

event_reader event_reader_of(struct str psp)
{
    return str_starts(psp, STR("stripe")) ? stripe_event_read : sandbox_event_read;
}
