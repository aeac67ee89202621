// The table of the REST API: what GET / lists.
#include "http/routes.hpp"

namespace troupe::http {

const std::vector<routes::route>& routes::table() {
  static const std::vector<route> entries{
    {verb::get, "/", &routes::index, "this page"},
    {verb::get, "/healthz", &routes::health, "200 while this process answers"},
    {verb::get, "/readyz", &routes::ready, "200 while a worker can take work, else 503"},
    {verb::get, "/metrics", &routes::metrics, "metrics, for Prometheus"},
    {verb::get, "/live/{}/{}", &routes::live,
     "/live/{channel}/{profile}: a channel, as suits the client; ?format=ts, hls, dash"},
    {verb::get, "/api/v1/healthz", &routes::health, {}},
    {verb::get, "/api/v1/readyz", &routes::ready, {}},
    {verb::get, "/api/v1/daemons", &routes::daemons, "all workers"},
    {verb::get, "/api/v1/daemons/{}", &routes::daemon, "one worker, by name or id"},
    {verb::delete_, "/api/v1/daemons/{}", &routes::remove, "forget a worker and end its tasks"},
    {verb::get, "/api/v1/daemons/{}/jobs", &routes::jobs, "a worker's tasks, and the latest that ended"},
    {verb::post, "/api/v1/daemons/{}/drain", &routes::drain, "give a worker no new work"},
    {verb::post, "/api/v1/daemons/{}/resume", &routes::resume, "give a worker new work again"},
    {verb::get, "/api/v1/channels", &routes::channels, "the channels that can be watched"},
    {verb::get, "/api/v1/profiles", &routes::profiles, "the renditions that channels can be watched in"},
    {verb::get, "/api/v1/presets", &routes::presets, "renditions by name that files can be transcoded to"},
    {verb::get, "/api/v1/sessions", &routes::sessions, "the channels that run now"},
    {verb::get, "/api/v1/sessions/{}", &routes::session, "one running channel, by id or name"},
    {verb::get, "/api/v1/viewers", &routes::viewers, "who watches now; ?channel= &limit="},
    {verb::get, "/api/v1/jobs", &routes::file_jobs,
     "file jobs, newest first; ?state= &queue= &text= &from_ms= &to_ms= &limit= &after="},
    {verb::post, "/api/v1/jobs", &routes::submit_job, "transcode a file"},
    {verb::get, "/api/v1/jobs/events", &routes::events, "events of all jobs, as server-sent events; ?state= &queue="},
    {verb::get, "/api/v1/jobs/{}/events", &routes::events, "events of one job, until it ends"},
    {verb::get, "/api/v1/jobs/{}/logs", &routes::job_log, "a job's log; ?format=json &after="},
    {verb::get, "/api/v1/jobs/{}/placement", &routes::job_placement, "where a job's parts are made, and why"},
    {verb::get, "/api/v1/jobs/{}", &routes::file_job, "one file job with its chunks and its history"},
    {verb::delete_, "/api/v1/jobs/{}", &routes::remove_job, "forget an ended job; its result stays"},
    {verb::post, "/api/v1/jobs/{}/cancel", &routes::cancel_job, "end a job"},
    {verb::post, "/api/v1/jobs/{}/pause", &routes::pause_job, "stop all work on a job; finished parts are kept"},
    {verb::post, "/api/v1/jobs/{}/resume", &routes::resume_job, "resume a paused job"},
    {verb::post, "/api/v1/jobs/{}/retry", &routes::retry_job, "retry a failed job"},
    {verb::get, "/api/v1/jobs/{}/result", &routes::no_files, "a job's result file; ranges are served"},
    {verb::delete_, "/api/v1/jobs/{}/result", &routes::no_files, "delete a result that was kept for its client"},
    {verb::post, "/api/v1/uploads", &routes::no_files, "begin an upload: Upload-Length, Upload-Name"},
    {verb::patch, "/api/v1/uploads/{}", &routes::no_files,
     "a part of an upload: Upload-Offset, Upload-Length; HEAD tells how much has arrived"},
    {verb::put, "/api/v1/uploads/{}", &routes::no_files,
     "the end of an upload: Upload-Length, Upload-Checksum: sha256 DIGITS"},
    {verb::delete_, "/api/v1/uploads/{}", &routes::no_files, "delete an upload"},
  };
  return entries;
}

} // namespace troupe::http
