// See host_defines.h.
#pragma once
#define CUDARTAPI
#define CUDARTAPI_CDECL
