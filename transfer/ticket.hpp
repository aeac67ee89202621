// The ticket that opens a job's files: each worker on a job gets it with the work, and presents it with each request.
//
// A ticket is HMAC-SHA256 (RFC 2104) of the job's id and the purpose, under a secret of the coordinator. It needs no
// list, reveals nothing about other jobs, and is the same after a restart.
#pragma once

#include <string>
#include <string_view>

namespace troupe::transfer {

/// 64 hexadecimal digits.
std::string ticket_of(std::string_view secret, std::string_view purpose, std::string_view id);

} // namespace troupe::transfer
