/* banned.h: functions that this project never calls; included by mem.h and so by everybody. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison sprintf vsprintf strcpy strcat strncat strtok gets atoi atol atof
