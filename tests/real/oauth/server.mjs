// The token server, with three rules of its own: a refresh token is good once, an access token is good for two calls of
// /userinfo, and a client has a secret. Each token request is a line on stdout.
import { Events, OAuth2Server } from "oauth2-mock-server";

const CLIENT = { id: "tidegate", secret: "p&ss wörd" };
const USES = 2;

const refreshTokens = new Set(["first"]);
const uses = new Map();
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

const decode = (text) => decodeURIComponent(text.replaceAll("+", " "));

/** Who the client says it is, and how (RFC 6749, 2.3.1). */
function client(request) {
  const header = request.headers.authorization ?? "";
  if (!header.startsWith("Basic ")) {
    return { id: request.body.client_id, secret: request.body.client_secret, by: "body" };
  }
  const [id, secret] = Buffer.from(header.slice(6), "base64").toString().split(":").map(decode);
  return { id, secret, by: "basic" };
}

const server = new OAuth2Server();
await server.issuer.keys.generate("RS256");

// Two tokens of one second would be the same text, and the end of one that of the other.
let made = 0;
server.service.on(Events.BeforeTokenSigning, (token) => {
  token.payload.jti = String(++made);
});

server.service.on(Events.BeforeResponse, (response, request) => {
  const { grant_type: grant, refresh_token: refresh } = request.body;
  const { id, secret, by } = client(request);
  const refuse = (status, error, words) => {
    response.statusCode = status;
    response.body = { error, error_description: words };
  };
  if (id !== CLIENT.id || (secret !== CLIENT.secret && grant !== "authorization_code")) {
    refuse(401, "invalid_client", "there is no such client");
  } else if (grant === "refresh_token" && !refreshTokens.delete(refresh)) {
    refuse(400, "invalid_grant", "this refresh token was used before");
  } else {
    uses.set(response.body.access_token, USES);
    if (response.body.refresh_token) refreshTokens.add(response.body.refresh_token);
  }
  say({ grant, by, status: response.statusCode, assertion: request.body.assertion });
});

server.service.on(Events.BeforeUserinfo, (response, request) => {
  const token = (request.headers.authorization ?? "").replace(/^Bearer /, "");
  const left = uses.get(token) ?? 0;
  uses.set(token, left - 1);
  if (left <= 0) {
    response.statusCode = 401;
    response.body = { error: "invalid_token", error_description: `${token} has ended` };
  }
});

await server.start(0, "127.0.0.1");
process.stdout.write(`http://127.0.0.1:${server.address().port}\n`);

process.stdin.resume();
process.stdin.on("end", () => server.stop().finally(() => process.exit(0)));
