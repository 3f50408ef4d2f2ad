/*
 * test_cudasim.h - what the two files of tests of the simulator share.
 */
#ifndef TEST_CUDASIM_H
#define TEST_CUDASIM_H

extern "C"
{
#include "tap.h"
}

/* Test that a function ends the process, with a message that contains `text` if there is one. */
void dies(void (*function)(int), int argument, const char *text, const char *name);

/* The same for what only AddressSanitizer and its kin see; without them all such tests are skipped as one. */
void dies_sanitized(void (*function)(int), int argument, const char *text, const char *name);

/* Test that wrong kernels are caught. */
void test_defects();

/* Test that wrong uses of the runtime are caught. */
void test_runtime_defects();

/* Test memory, streams, events and the limits of launches. */
void test_runtime();

#endif /* TEST_CUDASIM_H */
