using { tidegate.sales as db } from '../db/schema';

// HTTP basic.
@path: '/odata/v4/secure'
@requires: 'authenticated-user'
service SecureService {
  @readonly
  entity Accounts as projection on db.Accounts excluding { orders };

  // For the role alone, so that a good login may still get 403.
  @restrict: [{ grant: 'READ', to: 'reader' }]
  entity Products as projection on db.Products;
}

// Behind a bearer token, which server.js checks.
@path: '/odata/v4/token'
@requires: 'any'
service TokenService {
  @readonly
  entity Products as projection on db.Products;
}
