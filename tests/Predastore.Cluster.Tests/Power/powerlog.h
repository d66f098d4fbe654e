// The log that connects the two halves of a power cut: powerloss.c writes down how to undo every change that no sync has made
// durable, powercut.c undoes them. Native byte order; both halves run on one machine.
//
//   record        magic 4, kind 4, inode 8, a 8, b 8, c 8, text1 4, text2 4, then text1 bytes, text2 bytes
//
//   kind          inode        a             b               c               text1            text2
//   DATA          file         offset        old size        bytes written   what was there   -
//   SIZE          the same, of a change that is made whole or not at all: truncation, allocation, a hole
//   SYNC          file or dir  log position  1 for a dir     -               -                -
//   SYNC_ALL      -            log position  -               -               -                -
//   CREATE        directory    1 for a dir   -               -               name             -
//   UNLINK        directory    trash number  1 for a dir     -               name             -
//   RENAME        directory    trash number  new directory   -               old name         new name
//   UNSUPPORTED   -            -             -               -               what             -
//
// A record is written before its change is made, so that a process killed in between leaves a record too many and never one too
// few. SYNC is written after the sync, with the position that the log had when it began: later writes are not covered by it. Data
// of which text1 is empty was zeros, up to the old size. Trash number 0: nothing was replaced.
#pragma once
#include <stdint.h>

#define POWER_MAGIC 0x50574c31u

enum power_kind { POWER_DATA = 1, POWER_SYNC, POWER_SYNC_ALL, POWER_CREATE, POWER_UNLINK, POWER_RENAME, POWER_UNSUPPORTED, POWER_SIZE };

struct power_record {
    uint32_t magic, kind;
    uint64_t inode, a, b, c;
    uint32_t text1, text2;
};
