// Asked for by libtorch's ProcessGroupGloo.hpp, which needs nothing of it where its code is not compiled (see context.h).
#pragma once
