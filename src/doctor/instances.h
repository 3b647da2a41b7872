/* instances.h - faults bound where their triggers were found, and weighed against the evidence. */
#ifndef DOCTOR_INSTANCES_H
#define DOCTOR_INSTANCES_H

#include "doctor/examination.h"

/* Triggers, predicates and predictions; the findings must be there. */
enum status examine_instances(struct examination *examination) MUST_CHECK;
/* Of a selected instance: what it touched, since when, until when. */
enum status examine_extent(struct examination *examination, struct instance *instance) MUST_CHECK;

#endif
