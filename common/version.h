/* version.h: the release that was built; the build may say another with -DVERSION='"…"'. */
#pragma once

#ifndef VERSION
#define VERSION "1.0.0"
#endif
