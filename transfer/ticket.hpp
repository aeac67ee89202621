// What opens a job's files: whoever works at a job gets its ticket with the work, and shows it with each request.
//
// A ticket is HMAC-SHA256 (RFC 2104) of the job's id and of the purpose, under a secret of the coordinator: it needs no list, says nothing about other jobs, and is the same
// after a restart.
#pragma once

#include <string>
#include <string_view>

namespace troupe::transfer {

/// 64 hexadecimal digits.
std::string ticket_of(std::string_view secret, std::string_view purpose, std::string_view id);

/// Takes as long for a wrong one as for the right one.
bool same_ticket(std::string_view a, std::string_view b) noexcept;

} // namespace troupe::transfer
