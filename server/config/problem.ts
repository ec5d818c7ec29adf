/**
 * The one error table: every refusal a client can meet, with its HTTP status and its sentence (RFC 9457 problem details).
 * `detail` adds what happened in this case. A test keeps this table and server/docs/errors.md equal.
 */
export const PROBLEMS = {
  bad_request: [400, 'The request could not be understood.'],
  sdp_malformed: [400, 'The SDP offer is malformed: send a WebRTC offer with one video section.'],
  fragment_malformed: [400, 'The ICE fragment is malformed: send one as RFC 8840 lays it down.'],
  token_wrong: [
    401,
    'This link or token is not valid (any more): take a fresh link from the place where the server was started.',
  ],
  origin_refused: [403, 'This page is not allowed to talk to this server: open the pages from the server itself.'],
  look_unlicensed: [
    403,
    'This look shows a real person, and no signed licence says that it may play: choose another look.',
  ],
  role_refused: [403, 'Your link does not allow this: ask for one with the right role.'],
  not_found: [404, 'There is nothing at this address.'],
  feed_unknown: [404, 'There is no feed with this name: look at the list of feeds on the monitor page.'],
  look_unknown: [404, 'There is no look with this name: choose one from the list on the monitor page.'],
  casting_unknown: [404, 'This casting does not exist (any more): look at the list of castings on the monitor page.'],
  face_unknown: [404, 'This face is not in the picture (any more): tap one that is.'],
  session_unknown: [404, 'This session does not exist (any more).'],
  method_refused: [405, 'This address does not take that method.'],
  feed_busy: [409, 'Another camera is already on this feed: stop it first, or use another feed name.'],
  feed_idle: [409, 'No camera is on this feed yet: start it, then open the monitor again.'],
  ice_outdated: [412, 'This is not the current ICE session (any more): send the ETag of the last answer in If-Match.'],
  sdp_too_large: [413, 'The SDP is larger than 128 KiB.'],
  body_too_large: [413, 'The request is larger than this address takes.'],
  media_type_wrong: [415, 'Send an offer as application/sdp, and candidates as application/trickle-ice-sdpfrag.'],
  sdp_unusable: [422, 'The offer holds nothing this server can use: it needs a video section with H.264 or VP8.'],
  candidates_too_many: [422, 'A session takes 64 candidates at most.'],
  castings_full: [422, 'Eight performers are cast on this feed, which is the most: remove one first.'],
  performer_unseen: [422, 'This performer is not known in the picture now: tap their face, then try again.'],
  restart_refused: [422, 'ICE cannot be restarted on this session: end it, then open a new one.'],
  upgrade_required: [426, 'This address speaks WebSocket only.'],
  if_match_missing: [
    428,
    'Say in If-Match which ICE session is meant: the ETag of the last answer, or * to restart ICE.',
  ],
  too_many: [429, 'Too many requests: wait a moment.'],
  internal: [500, 'The server failed to do this; the log says why.'],
  pages_missing: [503, 'The pages are not built yet: run "npm run build", then open this link again.'],
  full: [503, 'The server is full: close a feed or a monitor, then try again.'],
  draining: [503, 'The server is closing and takes no new cameras and monitors: try again when it is back.'],
  store_down: [503, 'What the server has kept cannot be read now: try again in a moment; pictures go on.'],
  engine_down: [503, 'The engine of this feed is starting again: try again in a second.'],
  no_frame: [
    504,
    'No frame of this feed came through in time: see that its camera is on and that somebody watches its program.',
  ],
} as const satisfies Record<string, readonly [status: number, sentence: string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** A refusal for the person who meets it. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  readonly detail: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ProblemCode, detail?: string, retryAfterSeconds?: number) {
    super(detail ? `${PROBLEMS[code][1]} ${detail}` : PROBLEMS[code][1]);
    this.name = 'Problem';
    this.code = code;
    this.status = PROBLEMS[code][0];
    this.detail = detail;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
